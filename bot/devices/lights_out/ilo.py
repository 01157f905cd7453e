"""HP's and HPE's iLO, over ssh."""
