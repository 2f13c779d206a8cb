"""What an installation carries: runs, connections, past entries, memory."""
