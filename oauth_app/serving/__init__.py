"""The web server around the app: uvicorn in one process, with a pool of threads for complete requests."""
