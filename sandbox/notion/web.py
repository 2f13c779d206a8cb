"""Pages for people."""

from flask import Blueprint

routes = Blueprint("web", __name__)
