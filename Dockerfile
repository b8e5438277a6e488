# The README's steps: Python 3.11, make, a package index. Build: docker build --tag sr-bench .
# Run: docker run --rm sr-bench make demo
FROM python:3.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
# The CPU build of PyTorch; build with --build-arg TORCH_INDEX= for the one with CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_EXTRA_INDEX_URL=$TORCH_INDEX
WORKDIR /sr-bench
COPY . .
RUN make .venv/.installed
ENV PATH=/sr-bench/.venv/bin:$PATH
CMD ["sr-bench", "--help"]
