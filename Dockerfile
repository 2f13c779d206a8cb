# One image for everything: `svp up` by default, or any of Dagster's own commands.
# The base is pinned: a tag can be moved. `docker buildx imagetools inspect python:3.12-slim` prints the newest digest.
ARG BASE=python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea

FROM ${BASE} AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md workspace.yaml dagster.yaml ./
COPY deploy deploy
COPY svp_dagster svp_dagster
COPY oauth_app oauth_app
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e .

FROM ${BASE}
# Tesseract reads the scripts that RapidOCR doesn't know. With what it needs it adds about 100 MB (by Debian's installed
# sizes), 16 of them languages. Without it such text is named in a note. The packages
# tesseract-ocr-script-* take 73 MB for the same scripts.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tesseract-ocr \
        tesseract-ocr-rus tesseract-ocr-ukr tesseract-ocr-ell tesseract-ocr-ara tesseract-ocr-heb \
        tesseract-ocr-hin tesseract-ocr-tha tesseract-ocr-kor tesseract-ocr-vie \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 svp && mkdir -m 700 /data && chown svp /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER svp
ENV PATH=/venv/bin:$PATH \
    SVP_HOME=/data \
    SVP_PRODUCTION=true \
    SVP_APP_HOST=0.0.0.0
VOLUME /data
# The Dagster UI stays within the container: set SVP_DAGSTER_HOST=0.0.0.0 and publish port 3000 to reach it.
EXPOSE 8600
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8600/health', timeout=4)"]
CMD ["svp", "up"]
