# The image of PostFlow: web and worker are two commands of it, see compose.yaml.
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv --without-pip /venv
# requirements-s3.txt for pictures in a bucket.
ARG REQUIREMENTS=requirements.txt
COPY requirements*.txt ./
RUN pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r $REQUIREMENTS
COPY . .
# The key is for this step alone: nothing of it is in the files.
RUN SECRET_KEY=only-to-collect-files /venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin postflow && install -d -o postflow /data /data/media
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MEDIA_ROOT=/data/media
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
USER postflow
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", "0.0.0.0:8000", "core.wsgi"]
