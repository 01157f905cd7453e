"""What a console printed, made into a screen, and a picture of one; the engine imports it."""
