"""The places where people type: one module a chat, imported by `bot.app` alone."""
