"""Who is next: the clients in turn, each one's requests in their order."""

import asyncio
from collections import OrderedDict, deque


class FairQueue:
    """Ids of requests that wait."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[str]] = OrderedDict()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, owner: str, request_id: str, first: bool = False) -> None:
        """first: ahead of the client's others, as one whose process died."""
        own = self._waiting.setdefault(owner, deque())
        own.appendleft(request_id) if first else own.append(request_id)
        self._filled.set()

    async def get(self) -> tuple[str, str]:
        """The next owner and id. Its client then has its turn after all others."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        owner, own = self._waiting.popitem(last=False)
        request_id = own.popleft()
        if own:
            self._waiting[owner] = own
        return owner, request_id

    def remove(self, owner: str, request_id: str) -> None:
        if request_id in (own := self._waiting.get(owner, deque())):
            own.remove(request_id)
            if not own:
                del self._waiting[owner]

    def position(self, owner: str, request_id: str) -> int | None:
        """How many are ahead of it; None where it does not wait."""
        own = self._waiting.get(owner, deque())
        if request_id not in own:
            return None
        depth, ahead, before = own.index(request_id), 0, True
        for other, theirs in self._waiting.items():
            if other == owner:
                ahead, before = ahead + depth, False
            else:
                ahead += min(len(theirs), depth + before)
        return ahead
