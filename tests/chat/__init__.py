"""The two sides of the chat seam."""
