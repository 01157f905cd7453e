"""`xl migrate`: the stages of a live migration, and every way in which it was seen to fail.

Connect, copy while the guest goes on (its copy at the target is paused, its memory grows), suspend
it at the source, hand over: the target's copy takes the plain name and starts, and only then is the
source's destroyed (90-during-migration).  Up to the permission the sender can take the guest back;
after it nobody can (xen tools/xl/xl_migrate.c).
"""

from __future__ import annotations

import asyncio

from bot.lab import faults
from bot.lab.command import Command
from bot.lab.dom0 import Dom0
from bot.lab.domains import Domain, Life
from bot.lab.processes import Process
from bot.lab.xl import texts
from bot.lab.xl import transfer_texts as say
from bot.lab.xl.details import config, yajl
from bot.lab.xl.options import find_domain, read_words
from bot.lab.xl.receiver import Receiver
from bot.lab.xl.transport import NoWay, reach, route

#: how a migration's seconds are spent: connecting, copying, suspended, on both hosts
_CONNECT, _COPY, _SUSPENDED, _BOTH = 0.05, 0.60, 0.15, 0.20
#: steps in which the memory at the target grows
_STEPS = 20


class Broken(Exception):
    """The stream broke: the transport was cut, or one end died."""


async def migrate(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl migrate [-s SSH] NAME HOST` (70 to 75, 78, 81, 83, 84, 90, 94, pvh-, stock-)."""
    words = read_words(arguments, "hs:eC:pDd", long=("live", "debug", "preserve-domid"), least=2)
    domain = find_domain(command, words.rest[0])
    if domain is None:
        return 1
    way = route(words.options.get("s", ""), words.rest[1])
    ssh = command.inner(way.rune, root=True).process
    try:
        target = await reach(command, way)
        return await Migration(command, domain, target, ssh.pid).run(ssh)
    except NoWay as no_way:
        command.err(f"{no_way}{say.BANNER}{say.transport_ended(ssh.pid, 255)}")
        return 1
    finally:
        command.dom0.processes.remove(ssh)


class Migration:
    """One domain on its way from one host to another."""

    def __init__(self, command: Command, domain: Domain, target: Dom0, transport: int) -> None:
        self._world = command.world
        self._say = command.err
        self._source = command.dom0
        self._domain = domain
        self._target = target
        self._transport = transport
        self._broken = asyncio.Event()
        self._receiver = Receiver(target, domain.guest, self.cut)
        self._granted = False
        self._system = command.dom0.consoles.guest(domain)
        self.copying = False

    def involves(self, host: str) -> bool:
        return host in (self._source.name, self._target.name)

    def cut(self) -> None:
        self._broken.set()

    def host_died(self, host: str) -> None:
        """A target without power is noticed after a while; a source takes the sender with it."""
        if host == self._target.name:
            asyncio.get_running_loop().call_later(self._world.pace.notice, self.cut)

    async def run(self, ssh: Process) -> int:
        """Move the domain; the exit code."""
        ssh.killed = self.cut
        self._world.transfers.append(self)
        try:
            return await self._send()
        except Broken:
            return self._broke()
        except asyncio.CancelledError:
            self._sender_killed()
            raise
        finally:
            self._world.transfers.remove(self)

    async def _send(self) -> int:
        self._say(say.READY)
        await self._pass(_CONNECT)
        self._say(say.preamble(len(yajl(config(self._domain)))))
        self._say(say.saving(self._domain.domid, self._domain.guest.type))
        refusal = self._cannot_save() or self._cannot_receive()
        if refusal:
            self._say(refusal)
            self._receiver.leave()
            return 1
        self._say(say.found(self._domain.guest.type) + say.RESTORING)
        if not await self._copy():
            return self._starved()
        await self._suspend()
        return await self._hand_over()

    async def _pass(self, share: float) -> None:
        """Let a share of the migration's time go by; raises `Broken` when the stream breaks."""
        try:
            async with asyncio.timeout(self._world.pace.migration * share):
                await self._broken.wait()
        except TimeoutError:
            if self._source.holds(self._domain) and self._receiver.intact:
                return
        raise Broken

    def _cannot_save(self) -> str:
        """What the sender says of a domain that it can never send live (83, stock-pv-migrate)."""
        if self._domain.domid == 0:
            return say.domain_0(self._receiver.domid, self._transport)
        if self._domain.guest.type == "pv" and not self._source.machine.shadow:
            return say.no_logdirty(self._domain.domid, self._receiver.domid, self._transport)
        return ""

    def _cannot_receive(self) -> str:
        """What both say where the copy cannot even be made; put together from 47, 51 and 78."""
        obstacle = self._receiver.obstacle()
        if not obstacle:
            return ""
        failed = texts.destruction_failed(self._receiver.domid) + say.CREATION_FAILED
        return obstacle + failed + self._stream_broke(1)

    def _stream_broke(self, status: int) -> str:
        domid = self._domain.domid
        text = say.stream_broke(domid, self._transport + 1, self._transport, status)
        return text if self._domain.life is Life.SUSPENDED else text + say.needless_resume(domid)

    async def _copy(self) -> bool:
        """Send the memory while the guest goes on; false where the target has too little."""
        hosts = (self._target.name, self._source.name)
        starves = self._world.faults.take(faults.OUT_OF_MEMORY, self._target.name)
        breaks = any(self._world.faults.take(faults.CUT, host) for host in hosts)
        self._receiver.make()
        self.copying = True
        try:
            for step in range(1, _STEPS + 1):
                await self._pass(_COPY / _STEPS)
                if breaks and step == _STEPS // 2:
                    raise Broken
                wanted = self._domain.guest.memory * step // _STEPS
                if (starves and step == _STEPS // 2) or not self._receiver.grow(wanted):
                    return False
        finally:
            self.copying = False
        return True

    def _starved(self) -> int:
        """The target ran out of memory in mid-copy (78)."""
        self._say(say.receiver_without_memory(self._receiver.domid))
        self._receiver.abort()
        self._say(self._stream_broke(1))
        return 1

    async def _suspend(self) -> None:
        """Stop the guest and send the rest."""
        if self._system is not None:
            self._system.freeze()
        self._source.live(self._domain, Life.SUSPENDED)
        await self._pass(_SUSPENDED)
        if self._system is not None:
            self._receiver.fill(self._system)
        mfn = self._world.random.randrange(0x10000, 0x80000)
        self._say(say.restored(self._domain.guest.type, mfn))

    async def _hand_over(self) -> int:
        """Ask for permission, give it, start the copy, destroy the original."""
        self._receiver.daemonize()
        self._say(say.ACKNOWLEDGED)
        # xen tools/xl/xl_migrate.c: the sender renames first; no recording caught this name
        self._source.rename(self._domain, f"{self._domain.guest.name}--migratedaway")
        self._granted = True
        self._say(say.GIVING)
        if self._world.faults.take(faults.HANDOVER_LOST, self._target.name):
            raise Broken
        self._say(say.GOT)
        taken = self._world.faults.take(faults.NAME_TAKEN, self._target.name)
        if taken or self._receiver.name_taken():
            return self._take_back()
        self._receiver.start()
        moved = self._world.clock_of(self._domain.guest.name)
        moved.step(moved.moved_by)
        self._say(say.STARTED)
        if self._world.faults.take(faults.HANDOVER_FAILURE, self._target.name):
            raise Broken
        await self._pass(_BOTH)
        self._source.drop(self._domain)
        self._receiver.leave()
        self._say(say.SUCCESS)
        return 0

    def _take_back(self) -> int:
        """The copy cannot have its name: it is destroyed, and the sender resumes (81)."""
        self._say(texts.name_exists(self._receiver.domid, self._domain.guest.name))
        self._receiver.abort()
        self._source.rename(self._domain, self._domain.guest.name)
        self._resume()
        self._say(say.STARTUP_FAILURE)
        return 1

    def _broke(self) -> int:
        """The stream broke: the receiver aborts, the sender resumes; too late once granted (94)."""
        if self._granted:
            self._receiver.leave()
            self._say(say.UNDEFINED + say.transport_ended(self._transport, 255))
            return 1
        self._receiver.abort()
        self._say(self._stream_broke(255))
        if self._source.holds(self._domain):
            self._resume()
        return 1

    def _resume(self) -> None:
        """The guest goes on at the source."""
        if self._system is not None and self._domain.life is Life.SUSPENDED:
            self._source.consoles.take_back(self._system, self._domain)
        self._source.live(self._domain, Life.ALIVE)

    def _sender_killed(self) -> None:
        """SIGKILL of the sender, or its host lost its power.

        Derived from 94 and xl_migrate.c: the receiver's stream ends too soon, so it destroys its
        copy; a guest that was still running goes on, one that was suspended stays so, for nobody
        resumes it; once the permission was given the copy runs.
        """
        end = self._receiver.leave if self._granted else self._receiver.abort
        delay = 0.0 if self._source.alive else self._world.pace.notice
        asyncio.get_running_loop().call_later(delay, end)
