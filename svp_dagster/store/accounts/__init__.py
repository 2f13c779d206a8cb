"""Accounts of people of an identity provider: who was deleted, and one account made of two."""
