# Two images: `pipeline` makes datasets and has no torch, `trainer` adds what networks need.
FROM python:3.11-slim AS pipeline
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 1000 driver \
    && mkdir -p /app /data /runs && chown driver:driver /app /data /runs
USER driver
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH
RUN python -m venv .venv
COPY --chown=driver:driver . .
# Editable: compiled kernels are kept beside their sources.
RUN pip install --constraint .ci/constraints.txt --editable '.[s3]'

FROM pipeline AS trainer
RUN pip install --constraint .ci/constraints.txt --editable '.[s3,training]'
