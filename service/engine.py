"""Engine: calls `delivery` until a ticket is filed, through failures, pauses and restarts.

Only this file imports dbos.

One durable workflow per ticket, with the ticket's id as its own; a workflow knows nothing but that id. Its
row is written in the transaction that accepts the ticket. Pauses between attempts are the workflow's, not the
step's: they survive a restart, and no thread or connection is held while one lasts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions

from service.delivery import Delivery
from service.settings import DeliverySection
from service.store import TENANT, Stage, Store

QUEUE = "deliver"
WORKFLOW = "deliver"
# Work that another version began is left alone, so this changes only with a plan for what is under way.
VERSION = "1"

# Accepted tickets to which nothing happens for this long, longer than any pause, are looked at.
STALE_SECONDS = 600.0
# How long a stop waits for attempts that are at work.
PATIENCE_SECONDS = 5.0

# DBOS is one to a process: a second engine would take over the first one's, and stop it.
_DBOS_IS_FREE = threading.Lock()

_FINISHED = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})

_log = logging.getLogger(__name__)


class Engine:
    """Durable deliveries of one store; one engine at a time in a process."""

    def __init__(self, store: Store, delivery: Delivery, settings: DeliverySection) -> None:
        self._store = store
        self._delivery = delivery
        self._settings = settings
        self._client: DBOSClient | None = None
        self._dbos: DBOS | None = None

    def start(self) -> None:
        """Go on with what an earlier run left, and be ready for more.

        Call it from a thread without an event loop: DBOS then makes a loop of its own, apart from the web
        server's.
        """
        if not _DBOS_IS_FREE.acquire(blocking=False):
            raise RuntimeError("another engine runs in this process")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop delivering; what is not filed goes on at the next start."""
        # It warns of every pause that a stop cuts short; they go on at the next start.
        logging.getLogger("dbos").setLevel(logging.ERROR)
        if self._dbos is not None:
            _stop_dequeuing(self._dbos)
        try:
            self._delivery.stop(PATIENCE_SECONDS)
        finally:
            if self._client is not None:
                self._client.destroy()
                self._client = None
            DBOS.destroy(destroy_registry=True)
            self._dbos = None
            _DBOS_IS_FREE.release()

    def accept(self, connection: sa.Connection, ticket_id: str) -> None:
        """Order the ticket's delivery within the caller's transaction."""
        options = EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=QUEUE,
            workflow_id=ticket_id,
            queue_partition_key=TENANT,
            app_version=VERSION,
        )
        self._started().enqueue_in_transaction(connection, options, ticket_id)

    def replay(self, ticket_id: str) -> bool:
        """Deliver a dead or cancelled ticket after all; true if it was one."""
        reopened = self._store.reopen(ticket_id)
        # A crash right here leaves an accepted ticket with a finished workflow: `reconcile` sees to it.
        if reopened and self.status(ticket_id) in _FINISHED:
            self._rewind(ticket_id)
        return reopened

    def cancel(self, ticket_id: str) -> bool:
        """Stop delivering a ticket; true if it was not too late. Its workflow ends at the next attempt."""
        return self._store.cancel(ticket_id)

    def status(self, ticket_id: str) -> str | None:
        """Return what DBOS says of the ticket's workflow, None if it has none."""
        return self._statuses([ticket_id]).get(ticket_id)

    def reconcile(self, stale_seconds: float = STALE_SECONDS) -> None:
        """Bring accepted tickets whose workflow is missing, or has ended without them, back on their way."""
        waiting = self._store.unfinished(stale_seconds)
        for start in range(0, len(waiting), 500):
            batch = waiting[start : start + 500]
            statuses = self._statuses(batch)
            for ticket_id in batch:
                status = statuses.get(ticket_id)
                if status is None:
                    _log.warning("delivery was missing", extra={"ticket": ticket_id})
                    with self._store.transaction() as connection:
                        self.accept(connection, ticket_id)
                elif status in _FINISHED:
                    _log.warning("delivery had ended", extra={"ticket": ticket_id, "status": status})
                    self._rewind(ticket_id)

    def _launch(self) -> None:
        # Its own handler would print beside ours; with one in place it adds none.
        logging.getLogger("dbos").addHandler(logging.NullHandler())
        serializer = DBOSPortableJSONSerializer()
        self._dbos = DBOS(
            config={
                "name": "dispatcher",
                "system_database_engine": self._store.engine,
                "application_version": VERSION,
                "executor_id": "local",
                "serializer": serializer,
                "log_level": "WARNING",
                # No delivery waits for notifications, but a stop waits for the thread that looks for some.
                "notification_listener_polling_interval_sec": 0.05,
            }
        )
        # Without DBOS's own limit: the store counts attempts, and tells a bad ticket from a bad night.
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(_workflow(self._delivery))
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            partition_worker_concurrency=self._settings.concurrency,
            polling_interval_sec=self._settings.poll_seconds,
        )
        self._client = DBOSClient(
            system_database_engine=self._store.engine, serializer=serializer, application_name="dispatcher"
        )

    def _statuses(self, ticket_ids: Sequence[str]) -> dict[str, str]:
        found = self._started().list_workflows(workflow_ids=list(ticket_ids), load_input=False, load_output=False)
        return {workflow.workflow_id: workflow.status for workflow in found}

    def _rewind(self, ticket_id: str) -> None:
        self._started().rewind_workflow(ticket_id, queue_name=QUEUE, queue_partition_key=TENANT)

    def _started(self) -> DBOSClient:
        if self._client is None:
            raise RuntimeError("the engine is not running")
        return self._client


def _stop_dequeuing(dbos: DBOS) -> None:
    # DBOS.destroy does this too, but then closes its loop at once, before a workflow that was just taken from
    # the queue has got there.
    for event in dbos.background_thread_stop_events:
        event.set()
    for thread in threading.enumerate():
        if thread.name.startswith("queue-worker-"):
            thread.join(PATIENCE_SECONDS)


def _workflow(delivery: Delivery) -> Callable[[str], Awaitable[str]]:
    async def deliver(ticket_id: str) -> str:
        # Replayed after a crash from the outcomes on disk: no clock, no chance, nothing but steps in here.
        for stage in Stage:
            while True:
                outcome = await DBOS.run_step_async({"name": stage.value}, delivery.attempt, ticket_id, stage)
                if outcome["result"] != "again":
                    break
                await DBOS.sleep_async(outcome["seconds"])
            if outcome["result"] == "over":
                return "over"
        return "done"

    return deliver
