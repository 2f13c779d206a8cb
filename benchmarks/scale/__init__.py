"""What an installation carries, and what it costs (docs/scaling.md)."""
