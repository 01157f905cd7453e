"""The client side of the chats of one machine."""
