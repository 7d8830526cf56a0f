# SPDX-License-Identifier: MIT
"""Writes files in the ways that Python has, the last of them by stores into a mapping."""
import csv
import gzip
import json
import mmap
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import zipfile

SOURCE, SCALE = sys.argv[1], int(sys.argv[2])
LINES = [f"{n} {n * n}\n" for n in range(1000 * SCALE)]


def objects():
    with open("text", "w") as file:
        file.writelines(LINES)
    with open("text", "a") as file:
        print("appended", file=file)
    with open("raw", "wb", buffering=0) as file:
        for line in LINES:
            file.write(line.encode())
    with open("raw", "r+b") as file:
        file.seek(100)
        file.write(b"over")
        file.truncate(5000)
    with open("table.csv", "w", newline="") as file:
        csv.writer(file).writerows(line.split() for line in LINES)
    with open("json", "w") as file:
        json.dump(LINES, file)


def descriptors():
    fd = os.open("descriptor", os.O_RDWR | os.O_CREAT, 0o640)
    os.write(fd, b"written" * 1000)
    os.pwrite(fd, b"at", 4096)
    os.writev(fd, [b"one", b"two" * 5000])
    os.pwritev(fd, [b"three", b"four"], 20000)
    os.posix_fallocate(fd, 0, 65536)
    os.lseek(fd, 0, os.SEEK_END)
    os.write(fd, b"behind what was allocated")
    with os.fdopen(fd, "ab") as file:
        file.write(b"end")


def copies():
    shutil.copyfile(SOURCE, "copied")
    shutil.copytree(os.path.dirname(SOURCE) + "/include", "tree")
    source = os.open(SOURCE, os.O_RDONLY)
    for name, copy in ("ranged", os.copy_file_range), ("sent", None):
        target = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
        if copy:
            size = os.fstat(os.open("text", os.O_RDONLY)).st_size
            copy(os.open("text", os.O_RDONLY), target, size)
        else:
            os.sendfile(target, source, 0, 100000)
        os.close(target)
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    target = os.open("spliced", os.O_WRONLY | os.O_CREAT, 0o600)
    os.splice(reading, target, 14)


def archives():
    with gzip.GzipFile("packed.gz", "wb", mtime=0) as file:
        file.write("".join(LINES).encode())
    with zipfile.ZipFile("packed.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("lines"), "".join(LINES))
    with sqlite3.connect("python.db") as database:
        database.execute("CREATE TABLE t (line TEXT)")
        database.executemany("INSERT INTO t VALUES (?)", ((line,) for line in LINES))


def replaced():
    with tempfile.NamedTemporaryFile("w", dir=".", delete=False) as file:
        file.write("replaced")
    os.replace(file.name, "replaced")


def processes():
    with open("shared", "ab", buffering=0) as file:
        child = os.fork()
        file.write(b"0123456789" * 1000)
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
    with open("threads", "wb", buffering=0) as file:
        def write(turn):
            os.pwrite(file.fileno(), bytes([turn]) * 5000, turn * 5000)
        threads = [threading.Thread(target=write, args=(turn,)) for turn in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def mapped(name):
    with open(name, "w+b") as file:
        file.truncate(1 << 20)
        with mmap.mmap(file.fileno(), 0) as view:
            view[4096:4100] = b"here"
            view[-4:] = b"last"


for work in objects, descriptors, copies, archives, replaced, processes:
    work()
mapped("mapped")
mapped("mapped_first")
os.rename("mapped_first", "mapped_then_renamed")
