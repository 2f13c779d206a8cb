"""Weekly digests in Notion."""
