# The app of the clustered shape (compose.yaml, docs/scale.md): search and the embedder, no language model. Not built by our tests.
#
#   docker build --build-arg TORCH_INDEX=URL .     URL: a package index with the CPU build of torch; without it CUDA may come along

FROM python:3.12-slim AS build
ARG TORCH_INDEX=""
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
RUN python -m venv /venv
COPY requirements.lock /tmp/requirements.lock
RUN /venv/bin/pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r /tmp/requirements.lock

FROM python:3.12-slim
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 shawahid
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=shawahid app.py ./
COPY --chown=shawahid rag ./rag
COPY --chown=shawahid prompts ./prompts
COPY --chown=shawahid seeds ./seeds
USER shawahid
ENV PATH=/venv/bin:$PATH SHAWAHID_HOST=0.0.0.0 SHAWAHID_PORT=7860 SHAWAHID_MODELS=/models SHAWAHID_INDEX=/index
EXPOSE 7860
CMD ["python", "app.py"]
