# SPDX-License-Identifier: Apache-2.0
"""The engine library in-process: query(sql, format) -> bytes, raising on an exception."""
import ctypes
import glob
import os

_conn = None
_lib = None


def library_path():
    given = os.environ.get("WEIR_LIBCHDB")
    if given:
        return given
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    found = sorted(glob.glob(os.path.join(cache, "weir", "*", "libchdb.so")))
    return found[-1] if found else None


def _open():
    global _conn, _lib
    path = library_path()
    if path is None:
        raise FileNotFoundError("libchdb.so")
    _lib = ctypes.CDLL(path)
    _lib.chdb_connect.restype = ctypes.POINTER(ctypes.c_void_p)
    _lib.chdb_connect.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
    _lib.chdb_query_n.restype = ctypes.c_void_p
    _lib.chdb_query_n.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    _lib.chdb_result_buffer.restype = ctypes.c_void_p
    _lib.chdb_result_buffer.argtypes = [ctypes.c_void_p]
    _lib.chdb_result_length.restype = ctypes.c_size_t
    _lib.chdb_result_length.argtypes = [ctypes.c_void_p]
    _lib.chdb_result_error.restype = ctypes.c_char_p
    _lib.chdb_result_error.argtypes = [ctypes.c_void_p]
    _lib.chdb_destroy_query_result.argtypes = [ctypes.c_void_p]
    argv = (ctypes.c_char_p * 1)(b"clickhouse")
    _conn = _lib.chdb_connect(1, argv)
    if not _conn:
        raise RuntimeError("chdb_connect failed")


def query(sql, fmt="TSV"):
    if _conn is None:
        _open()
    if isinstance(sql, str):
        sql = sql.encode()
    fmt = fmt.encode()
    r = _lib.chdb_query_n(_conn[0], sql, len(sql), fmt, len(fmt))
    try:
        error = _lib.chdb_result_error(r)
        if error:
            raise ValueError(error.decode("utf-8", "replace"))
        n = _lib.chdb_result_length(r)
        return ctypes.string_at(_lib.chdb_result_buffer(r), n) if n else b""
    finally:
        _lib.chdb_destroy_query_result(r)
