# One image for every service. One stage: wheels need no compiler, so a second would save
# nothing, and it would copy all packages as one layer where torch keeps one of its own.
FROM python:3.11-slim

WORKDIR /app
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# pip writes byte code as it installs: where nobody can write it later, every start would
# compile torch again.
ARG TORCH=torch
COPY constraints.txt ./
RUN pip install --constraint constraints.txt ${TORCH}

COPY pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['postgresql'], sep='\n')" > /tmp/needed \
    && pip install --constraint constraints.txt --requirement /tmp/needed \
    && rm /tmp/needed \
    && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin study \
    && install --directory --owner study --group study /cache

COPY LICENSE ./
COPY data/wisdm51 data/wisdm51
COPY storage storage
COPY model model
COPY study study
# Byte code that no time stamp can outdate: the sources in an image do not change.
RUN python -m compileall -q --invalidation-mode unchecked-hash model storage study

ARG COMMIT=
ENV STUDY_COMMIT=${COMMIT} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
CMD ["python", "-m", "study.run", "--help"]
