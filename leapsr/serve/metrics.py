"""What /metrics tells, in the text format of Prometheus."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .service import Service

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


class Metrics:
    """Of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "leapsr_http_requests", "Answers.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "leapsr_http_seconds", "Until an answer begins.", ["route"], registry=self.registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in METHODS else "other"  # a client may send any word
        self._answers.labels(known, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    async def text(self, service: Service) -> bytes:
        store = service.store
        state = State(
            await store.run(store.counts), await store.run(store.bytes), await store.run(store.free_bytes)
        )
        state.workers = {pool.name: (pool.size, pool.deaths) for pool in service.pools}
        registry = CollectorRegistry()
        registry.register(state)
        return generate_latest(self.registry) + generate_latest(registry)


class State(Collector):
    """How it is now."""

    def __init__(self, counts: dict[str, int], kept: int, free: int) -> None:
        self.counts, self.kept, self.free = counts, kept, free
        self.workers: dict[str, tuple[int, int]] = {}

    def collect(self) -> Iterator[Metric]:
        requests = GaugeMetricFamily("leapsr_requests", "Requests that are kept.", labels=["status"])
        for status in ("queued", "running", "done", "failed", "cancelled"):
            requests.add_metric([status], self.counts.get(status, 0))
        yield requests
        yield GaugeMetricFamily("leapsr_kept_bytes", "Of sources, results and tiles.", self.kept)
        yield GaugeMetricFamily("leapsr_disk_free_bytes", "On the disk of the data folder.", self.free)
        processes = GaugeMetricFamily("leapsr_processes", "Worker processes.", labels=["kind"])
        deaths = CounterMetricFamily(
            "leapsr_process_deaths", "Processes that ended by themselves.", labels=["kind"]
        )
        for name, (size, died) in self.workers.items():
            processes.add_metric([name], size)
            deaths.add_metric([name], died)
        yield processes
        yield deaths
