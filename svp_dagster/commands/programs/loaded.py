"""What a run needs, loaded once for all runs: the fork server imports this (svp_dagster/defs/run_queue/launcher.py).

Only imports, no threads, connections or settings: a fork has none of the first, and must not share the others.
"""

import curl_cffi
import cv2
import dagster as dg
import dagster._cli.api
import google.cloud.vision
import google.genai.types
import openai
import PIL.Image
import yt_dlp

import svp_dagster.definitions
import svp_dagster.defs
import svp_dagster.download.yt_dlp_session

dg.load_definitions_from_package_module(svp_dagster.defs)
# Pydantic makes the schema of a model, which takes long here, at its first use.
google.genai.types.GenerateContentResponse.model_validate({})

__all__ = ["PIL", "curl_cffi", "cv2", "dagster", "openai", "svp_dagster", "yt_dlp"]
