# The image of all processes of Hearth: what is installed is locked with hashes, nothing is compiled, nobody is root.

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY requirements-build.txt requirements-runtime.txt ./
RUN python3 -m venv /opt/tools \
  && /opt/tools/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps --requirement requirements-build.txt \
  && /opt/tools/bin/uv venv --quiet --python "$(command -v python3)" /opt/hearth \
  && /opt/tools/bin/uv pip install --quiet --no-cache --python /opt/hearth/bin/python --require-hashes --no-deps \
    --only-binary :all: --compile-bytecode --requirement requirements-runtime.txt
COPY pyproject.toml README.md ./
COPY hearth hearth
COPY sim sim
COPY local local
COPY api api
COPY dashboards dashboards
COPY alerts alerts
COPY archives archives
COPY insight insight
COPY ingest ingest
COPY registry registry
COPY papers papers
COPY store store
COPY domain domain
RUN /opt/tools/bin/python -m hatchling build --target wheel --directory /opt/wheel \
  && /opt/tools/bin/uv pip install --quiet --no-cache --python /opt/hearth/bin/python --no-deps --compile-bytecode \
    /opt/wheel/*.whl

FROM python:3.11.14-slim-bookworm
# Where files for Mosquitto, Artemis and Grafana are written, as the user that each of them runs as.
RUN groupadd --gid 10001 hearth \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin hearth \
  && install -d -o 1883 -g 1883 -m 0700 /broker \
  && install -d -o 1001 -g 1001 -m 0700 /artemis /artemis/locks \
  && install -d -o 472 -g 472 -m 0700 /dashboards
COPY --from=build /opt/hearth /opt/hearth
ENV PATH=/opt/hearth/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
# Whether what a process needs is there; docker-compose.yml asks each process about itself.
HEALTHCHECK --interval=1m --timeout=20s --start-period=30s --retries=3 CMD ["hearth", "check", "settings", "database"]
ENTRYPOINT ["hearth"]
CMD ["check"]
