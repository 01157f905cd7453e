"""Screens and pictures of them."""
