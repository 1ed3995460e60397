# The image that docker-compose.yml runs: the package from this checkout on the pinned dependencies.
FROM python:3.13-slim-bookworm

COPY requirements.lock /src/
RUN pip install --no-cache-dir --no-deps --only-binary :all: --no-binary greenswitch --require-hashes -r /src/requirements.lock

COPY pyproject.toml README.md LICENSE /src/
COPY callguard /src/callguard
COPY dialplan /src/dialplan
COPY migrations /src/migrations
RUN pip install --no-cache-dir --no-deps --no-build-isolation /src \
    && ln -s "$(cd / && python -c 'import callguard; print(callguard.__path__[0])')/data/prompts" /prompts \
    && mkdir -m 1777 /data

ENTRYPOINT ["callguard"]
