# One image for everything: `svp up` by default, the app, the code server, the Dagster UI, the daemon or a run.
# The base is pinned: a tag can be moved. `docker buildx imagetools inspect python:3.12-slim` prints the newest digest.
ARG BASE=python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea

FROM ${BASE} AS build
# `true` keeps faster-whisper's engine, 290 MB: speech is then heard without a key, with a model that is downloaded.
ARG LOCAL_SPEECH=false
RUN apt-get update \
    && apt-get install -y --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements-launchers.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-launchers.lock
COPY pyproject.toml README.md workspace.yaml dagster.yaml ./
COPY deploy deploy
COPY svp_dagster svp_dagster
COPY oauth_app oauth_app
COPY sandbox sandbox
# The image's file system may be read-only, so what Python compiles it compiles here.
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && python deploy/slim_venv.py /venv $(test "$LOCAL_SPEECH" = true && echo --local-speech) \
    && python -m compileall -q svp_dagster oauth_app sandbox

FROM ${BASE}
# Tesseract reads the scripts that RapidOCR doesn't know. With what it needs it adds about 100 MB, 20 of them
# languages. Without it such text is named in a note. The packages tesseract-ocr-script-* take 73 MB for the same scripts.
# Its model of how a page is turned (osd) is never asked. tini passes signals on and reaps what runs leave behind.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini tesseract-ocr \
        tesseract-ocr-rus tesseract-ocr-ukr tesseract-ocr-ell tesseract-ocr-ara tesseract-ocr-heb \
        tesseract-ocr-hin tesseract-ocr-tha tesseract-ocr-kor tesseract-ocr-vie \
    && rm -rf /var/lib/apt/lists/* /usr/share/tesseract-ocr/*/tessdata/osd.traineddata
RUN useradd --create-home --uid 1000 svp && mkdir -m 700 /data && chown svp /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 1000
# Caches go where a read-only root file system can be written to; models are worth keeping.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache \
    HF_HOME=/data/models \
    SVP_HOME=/data \
    SVP_PRODUCTION=true \
    SVP_APP_HOST=0.0.0.0
VOLUME /data
# The Dagster UI stays within the container: set SVP_DAGSTER_HOST=0.0.0.0 and publish port 3000 to reach it.
EXPOSE 8600
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-S", "/app/deploy/health.py"]
ENTRYPOINT ["tini", "--"]
CMD ["svp", "up"]
