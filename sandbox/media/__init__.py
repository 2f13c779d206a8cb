"""A stand-in for TikTok, Instagram and their media hosts, behind an HTTP proxy that ends TLS itself."""
