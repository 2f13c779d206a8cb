"""What a run needs, loaded once for all runs: the fork server imports this (svp_dagster/run_workers/launcher.py).

Only imports, no threads, connections or settings: a fork has none of the first, and must not share the others.
"""

import curl_cffi
import cv2
import dagster as dg
import dagster._cli.api
import openai
import PIL.Image
import upath
import yt_dlp
from google.genai import types

import svp_dagster.definitions
import svp_dagster.defs
import svp_dagster.download.yt_dlp_session

dg.load_definitions_from_package_module(svp_dagster.defs)
for model in (types.GenerateContentConfig, types.GenerateContentResponse, types.Content):
    model.model_rebuild()  # otherwise done by each run, at its first call

__all__ = ["PIL", "curl_cffi", "cv2", "dagster", "openai", "svp_dagster", "upath", "yt_dlp"]
