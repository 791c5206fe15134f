# The app: reading, search, answers by quotation, the window and the API. No language model and no compiler; a generator runs on a server of
# its own (compose.yaml, deploy/kubernetes, docs/scale.md).
#
#   docker build --tag shawahid .
#   docker run --publish 127.0.0.1:7860:7860 --env SHAWAHID_PASSWORD=… --volume models:/models --volume data:/data --volume "$PWD/index:/index:ro" shawahid
#
# TORCH_INDEX is a package index with the CPU build of torch; the usual one would bring gigabytes of CUDA libraries.

FROM python:3.12-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
COPY requirements.lock requirements.hashes.lock tools/build.lock ./
RUN python -m venv /venv \
    && grep '^torch==' requirements.lock > torch.lock \
    && /venv/bin/pip install --no-cache-dir --index-url "$TORCH_INDEX" --no-deps --requirement torch.lock \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.hashes.lock
COPY pyproject.toml README.md LICENSE ./
COPY rag ./rag
COPY prompts ./prompts
RUN python -m venv /tools \
    && /tools/bin/pip install --no-cache-dir --requirement build.lock \
    && /tools/bin/python -m hatchling build --target wheel --directory /wheel \
    && /venv/bin/pip install --no-cache-dir --no-deps /wheel/*.whl

FROM python:3.12-slim
# torch and faiss need the OpenMP library; its version is that of the base image's release.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 shawahid \
    && mkdir /models /index /data && chown shawahid:shawahid /models /index /data
COPY --from=build /venv /venv
USER 1000
WORKDIR /home/shawahid
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 \
    SHAWAHID_HOST=0.0.0.0 SHAWAHID_PORT=7860 SHAWAHID_GENERATOR=none \
    SHAWAHID_MODELS=/models SHAWAHID_INDEX=/index SHAWAHID_DATA=/data
# Models, the index that all readers share, and what readers add.
VOLUME ["/models", "/index", "/data"]
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
ENTRYPOINT ["shawahid"]
CMD ["serve"]
