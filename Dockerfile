# The command crimenb with what the lock names. See docs/how-to/docker.md.
FROM python:3.11-slim

WORKDIR /crimenb
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY notebooks notebooks
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation .

RUN useradd --create-home reader && mkdir --parents /work/reports && chown -R reader /work
USER reader
WORKDIR /work
ENV CRIMENB_CACHE_DIR=/tmp/crimenb-cache
ENTRYPOINT ["crimenb"]
CMD ["report", "--source", "demo"]
