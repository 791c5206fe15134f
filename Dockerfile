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
    && useradd --create-home --uid 1000 isnad
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=isnad app.py ./
COPY --chown=isnad rag ./rag
COPY --chown=isnad prompts ./prompts
COPY --chown=isnad seeds ./seeds
USER isnad
ENV PATH=/venv/bin:$PATH ISNAD_HOST=0.0.0.0 ISNAD_PORT=7860 ISNAD_MODELS=/models ISNAD_INDEX=/index
EXPOSE 7860
CMD ["python", "app.py"]
