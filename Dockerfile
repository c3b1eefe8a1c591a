FROM python:3.11-slim

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY model model
COPY study study
COPY storage storage
COPY data data
RUN pip install --no-cache-dir --constraint constraints.txt torch \
    && pip install --no-cache-dir --constraint constraints.txt --editable '.[postgresql]' \
    && useradd --create-home study \
    && chown study /app
USER study

CMD ["python", "-m", "study.run", "--help"]
