"""Power cuts: what a disk keeps that lost everything not synced, and of that some pages all the same (power_cut.c)."""
import os
import pathlib
import shutil
import subprocess
import uuid

PAGE = 4096


def id_of(path):
    """As power_cut.c has it: a number is soon given to another file, so the time of birth too."""
    out = subprocess.run(["stat", "-c", "%i %.9W", path], check=True, capture_output=True, text=True).stdout
    inode, born = out.split()
    seconds, _, nanoseconds = born.partition(".")
    return f"{inode}.{seconds}.{int(nanoseconds)}"


class Power:
    """The power of every process that has its env. `roots`: the folders that are on this disk, with all below them."""

    def __init__(self, roots, folder):
        self.roots, self.disk, self._boot = roots, folder / "disk", folder / "boot_id"
        folder.mkdir(exist_ok=True)
        library = folder / "power_cut.so"
        source = pathlib.Path(__file__).with_name("power_cut.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
        self.env = {**os.environ, "LD_PRELOAD": str(library), "POWER_ROOTS": "".join(f"{root}:" for root in roots), "POWER_DISK": str(self.disk),
                    "POWER_BOOT": str(self._boot)}
        self.cuts = self.names_lost = self.pages_lost = self.pages_kept = 0
        self.on()

    def on(self):
        """All that is there now is durable; the machine has started anew."""
        shutil.rmtree(self.disk, ignore_errors=True)
        self.disk.mkdir(mode=0o777)
        self.disk.chmod(0o777)
        self._boot.write_text(f"{uuid.uuid4()}\n")
        for folder in self._folders():
            names = {path.name: id_of(path) for path in folder.iterdir() if path.is_file()}
            for name, id_ in names.items():
                shutil.copyfile(folder / name, self.disk / id_)
            (self.disk / id_of(folder)).write_text("".join(f"{id_} {name}\n" for name, id_ in names.items()))

    def cut(self, rng):
        """After SIGKILL of all that have the env. Of what was not synced nothing (so the first time), something or all has reached the
        disk: names all or none, as file systems with a log do it, pages each for itself."""
        share = rng.choice((0, 0, 0.2, 0.5, 0.9, 1)) if self.cuts else 0
        for folder in self._folders():
            self._cut_folder(folder, rng, share)
        self.cuts += 1
        self.on()

    def _folders(self):
        return [path for root in self.roots for path in (root, *root.rglob("*")) if path.is_dir()]

    def _cut_folder(self, folder, rng, share):
        live = {path.name: id_of(path) for path in folder.iterdir() if path.is_file()}
        listing = self.disk / id_of(folder)
        durable = dict(reversed(line.split(" ", 1)) for line in listing.read_text().splitlines()) if listing.exists() else {}
        names = rng.choice((durable, live))
        where = {id_: folder / name for name, id_ in live.items()}
        contents = {name: self._contents(id_, where.get(id_), rng, share) for name, id_ in names.items()}
        for name in live.keys() - names.keys():
            (folder / name).unlink()
            self.names_lost += 1
        for name, content in contents.items():  # in place: a file that is still there is still the same one
            with open(folder / name, "r+b" if (folder / name).exists() else "w+b") as file:
                file.write(content)
                file.truncate()

    def _contents(self, id_, path, rng, share):
        copy = self.disk / id_
        kept = bytearray(copy.read_bytes() if copy.exists() else b"")
        written = path.read_bytes() if path else b""
        for at in range(0, len(written), PAGE):
            page = written[at:at + PAGE]
            if page == kept[at:at + PAGE]:
                continue
            if rng.random() < share:
                kept.extend(bytes(max(0, at - len(kept))))
                kept[at:at + len(page)] = page
                self.pages_kept += 1
            else:
                self.pages_lost += 1
        return bytes(kept)
