"""What the app says about itself and the installation: ids of requests, and metrics."""
