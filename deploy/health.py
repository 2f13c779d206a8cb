"""Exit with 0 if the app of this container answers. For Docker's HEALTHCHECK: it imports nothing of ours."""

import os
import urllib.request

port = os.environ.get("SVP_APP_PORT") or os.environ.get("PORT") or "8600"
with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=4):
    pass
