"""`python -m oauth_app.serving`: serve the app with the settings of the environment."""

from oauth_app.serving.server import main

main()
