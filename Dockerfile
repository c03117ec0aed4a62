# MeVa of this checkout. Results go to the folder that is mounted at /work, compiled programs to the volume /cache:
#   docker build --tag meva .                # --build-arg EXTRAS=dask,tensorboard for optional libraries
#   docker run --rm --user "$(id -u)" --volume "$PWD:/work" --volume meva-cache:/cache meva run --game ipd --learner meva

FROM python:3.13-slim AS build
ARG EXTRAS=""
WORKDIR /source
COPY . .
RUN python -m venv /opt/meva \
    && /opt/meva/bin/pip install --no-cache-dir ".${EXTRAS:+[${EXTRAS}]}"

FROM python:3.13-slim
COPY --from=build /opt/meva /opt/meva
# All users may write there, since --user names any.
RUN useradd --create-home --uid 1000 meva \
    && mkdir --mode 1777 /cache /work
ENV PATH="/opt/meva/bin:${PATH}" \
    XDG_CACHE_HOME=/cache \
    MPLCONFIGDIR=/cache/matplotlib
USER 1000
WORKDIR /work
VOLUME ["/cache"]
ENTRYPOINT ["meva"]
CMD ["--help"]
