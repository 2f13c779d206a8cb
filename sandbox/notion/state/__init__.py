"""What the stand-in remembers, and one caller's view of it."""
