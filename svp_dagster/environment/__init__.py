"""What a process finds where it runs: secrets in files, and whose runs it works on."""
