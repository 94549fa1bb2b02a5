"""A queue of photos for workers, with Celery.

    pip install leapsr 'celery[redis]'
    celery --workdir examples --app task_queue worker --concurrency 2
    cd examples
    python -c "from task_queue import upscale; print(upscale.delay('/a/small.jpg', '/a/large.png').get())"

Celery forks its workers. Each loads the model for itself, once, because torch's threads do not survive a
fork. With RQ, which forks for every task, call `leapsr.upscale` in the task and start workers by `rq worker
--worker-class rq.SimpleWorker`, which does not fork: the model then stays loaded.
"""

import os

from celery import Celery
from celery.signals import worker_process_init

import leapsr

app = Celery("photos", broker=os.environ.get("BROKER", "redis://localhost"), backend="rpc://")
_upscaler: leapsr.Upscaler | None = None


@worker_process_init.connect
def load_model(**_: object) -> None:
    """In each worker, after the fork."""
    global _upscaler
    _upscaler = leapsr.Upscaler.from_pretrained("leap-small")


@app.task(bind=True, throws=(leapsr.LeapsrError,))
def upscale(self, source: str, result: str, **options: object) -> str:
    """Enlarge one file into another. options: of `leapsr.upscale`, such as fidelity=0.8 or width=3000."""
    if _upscaler is None:
        load_model()

    def report(done: float, total: int) -> None:
        if not self.request.is_eager:
            self.update_state(state="PROGRESS", meta={"done": done, "total": total})

    _upscaler(source, progress=report, **options).save(result)
    return result
