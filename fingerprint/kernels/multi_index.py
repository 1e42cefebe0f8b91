"""Exact multi-index hashing: codes are found by their substrings of 16 bits.

M. Norouzi, A. Punjani, D. J. Fleet, "Fast exact search in Hamming space with multi-index hashing", TPAMI 2014. A code
of 64 bits has 4 substrings and is listed in 4 tables, a code of 256 bits in 16. Let the radii of the tables, plus one
each, add up to ``r + 1``. Then a code within ``r`` of a query is within the radius of at least one table, or else its
distance would be ``r + 1`` or more.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import longer
from fingerprint.kernels.bits import popcount
from fingerprint.kernels.compiled import njit

SUBSTRING_BITS = 16
N_BUCKETS = 1 << SUBSTRING_BITS
LEVELS = 3  # the radii of a table are 0, 1 and 2

#: Costs of looking up a bucket and of reading one of its rows, in units of a word that is scanned in a batch (some 0.08
#: ns), measured on a million codes. Only codes of one word have their other bits beside the rows; others are far away.
_BUCKET_COST, _ROW_COST, _FAR_ROW_COST = 500, 45, 250
_ORDER_GAIN = 2  # reading the buckets of many queries in their order costs less by this factor or more
_TOO_MUCH = np.int64(1 << 62)
_RISK = 32  # part of the budget that is spent while it is not known whether the tables reach far enough: 1 / 32
_SUBSTRING = np.uint64(N_BUCKETS - 1)
_DISTANCE_SHIFT = np.int64(48)
_PER_WORD = 64 // SUBSTRING_BITS
#: All ways to flip no, one and two bits, in this order, and where each of these levels begins.
_FLIPS = np.array([0, *(1 << a for a in range(16)), *(1 << a | 1 << b for a in range(16) for b in range(a))], np.int64)
_LEVEL_STARTS = np.array([0, 1, 17, 137], np.int64)
_MOST_FLIPS = 120  # of one level
_BATCH = 16  # least number of queries for which sorting their buckets pays
_BIN_SHIFT = 4  # low bits of a bucket that sorting ignores
_CHUNK, _ENOUGH = 64, 1 << 20  # entries that are compared together; that are collected before their codes are compared
_QUERY_SHIFT, _LOW = np.int64(32), np.int64((1 << 32) - 1)  # high bits: a query; low bits: a bucket or an entry


@njit(cache=True, nogil=True)
def build_tables(codes, starts, rows, rests):  # type: ignore[no-untyped-def]
    """Write the tables of some codes by counting sort.

    codes : uint64 (n, w), read-only; starts : uint32 (4 w, 65537), where each bucket begins; rows : uint32 (4 w, n),
    the codes' rows, ascending within a bucket; rests : uint32 (4, n) for codes of one word, the next two substrings of
    the code, continuing at its start, in the order of `rows`; (4 w, 0) for longer codes. The rests alone show that most
    rows of a bucket are too far; they lie side by side, but the codes are scattered over the memory.
    """
    n, n_words = codes.shape
    at = np.empty(N_BUCKETS, np.uint32)
    for table in range(n_words * _PER_WORD):
        word, shift = table // _PER_WORD, np.uint64(table % _PER_WORD * SUBSTRING_BITS)
        ends = starts[table]
        ends[:] = 0
        for i in range(n):
            ends[np.int64((codes[i, word] >> shift) & _SUBSTRING) + 1] += np.uint32(1)
        for i in range(N_BUCKETS):
            ends[i + 1] += ends[i]
            at[i] = ends[i]
        for i in range(n):
            bucket = np.int64((codes[i, word] >> shift) & _SUBSTRING)
            rows[table, at[bucket]] = i
            if n_words == 1:
                rests[table, at[bucket]] = _rest(codes[i, 0], table)
            at[bucket] += np.uint32(1)


@njit(cache=True, nogil=True)
def search_tables(codes, tables, first_row, queries, k, limits, counts, budget, resolved):  # type: ignore[no-untyped-def]
    """Find by tables the codes within the queries' limits, which fall as neighbours are found.

    codes : uint64 (n, w), read-only, the codes of the tables; tables : starts, rows, rests as `build_tables` writes
    them, read-only; first_row, queries, k, limits, counts and the result : as in `fingerprint.kernels.hamming.scan`,
    but in any order, and there may be more than `k` rows at one distance; budget : int, the most that a query may cost,
    in scanned words; resolved : bool (q,), written: False where the query would cost more, or where its limit is beyond
    the reach of the tables. Nothing is returned for such a query; its limit may be lower, but never too low.
    """
    if codes.shape[1] == 1 and len(queries) >= _BATCH and k > counts.sum() + len(codes):  # no limit will fall
        return _search_in_order(codes, tables, first_row, queries, limits, counts, budget, resolved)
    n_tables = codes.shape[1] * _PER_WORD
    query_idx, keys, found = np.empty(1024, np.int64), np.empty(1024, np.int64), 0
    near = np.empty(1024, np.int64)
    bounds, sink = np.empty((n_tables, _MOST_FLIPS, 2), np.int64), np.zeros(1, np.uint32)
    mine = np.empty(counts.shape[1], np.int64)
    for q in range(len(queries)):
        reachable = k < len(codes) or _even_cost(len(codes), n_tables, limits[q]) <= budget
        mine[:] = counts[q]
        n_mine, limit, keys, near = _search_one(
            codes, tables, queries[q], k, limits[q], mine, budget if reachable else -1, bounds, keys, found, near, sink
        )
        resolved[q], limits[q] = n_mine >= 0, limit
        if not resolved[q]:
            continue
        if len(query_idx) < len(keys):
            query_idx = longer(query_idx, len(keys))
        for i in range(found, found + n_mine):
            query_idx[i] = q
            keys[i] += first_row
        found += n_mine
        counts[q] = mine
        if limit > 0 and mine[:limit].sum() >= k:
            limits[q] -= 1  # the rows of later segments are higher, so at equal distance ours count
    return query_idx[:found], keys[:found]


@njit(cache=True, nogil=True)
def _search_in_order(codes, tables, first_row, queries, limits, counts, budget, resolved):  # type: ignore[no-untyped-def]
    """Do what `search_tables` does, for many queries of one word whose limits do not fall.

    Then the buckets to read are known beforehand. They are read table by table in the order of memory, for all queries
    together, so that the processor fetches them ahead instead of waiting for each bucket.
    """
    starts, rows, rests = tables
    radii = _plan(starts, queries, limits, len(codes), min(_ORDER_GAIN * budget, _TOO_MUCH - 1), resolved)
    query_idx, keys, near, found = np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty(1024, np.int64), 0
    for table in range(len(starts)):
        lookups = _lookups(queries, radii, table)
        while len(lookups) > 0:
            n_near, near, lookups = _near_entries(starts[table], rests[table], lookups, queries, table, limits, near)
            if found + n_near > len(keys):
                query_idx, keys = longer(query_idx, 2 * (found + n_near)), longer(keys, 2 * (found + n_near))
            for i in range(n_near):
                near[i] = (near[i] & ~_LOW) | rows[table, near[i] & _LOW]
            for i in range(n_near):
                q, row = near[i] >> _QUERY_SHIFT, min(near[i] & _LOW, len(codes) - 1)
                distance = _distance(codes, row, queries[q])
                if distance < limits[q] and not _seen(codes[row], queries[q], radii[q, :table]):
                    query_idx[found], keys[found] = q, (distance << _DISTANCE_SHIFT) | (first_row + row)
                    counts[q, distance] += 1
                    found += 1
    return query_idx[:found], keys[:found]


@njit(cache=True, nogil=True)
def _plan(starts, queries, limits, n, budget, resolved):  # type: ignore[no-untyped-def]
    """Return the radius to which each query reads each table, as `_search_one` does: int64 (q, n_tables).

    It is -1 for a table that is not read. A query that would cost more than the budget reads none, and is not
    `resolved`.
    """
    n_tables = len(starts)
    radii, every = np.full((len(queries), n_tables), -1), np.arange(n_tables)
    bounds, n_rows = np.empty((_MOST_FLIPS, 2), np.int64), np.empty(n_tables, np.int64)
    for q in range(len(queries)):
        resolved[q], n_read = _even_cost(n, n_tables, limits[q]) <= budget, 0
        if not resolved[q]:
            continue
        spent = _even_cost(0, n_tables, limits[q])  # looking up the buckets
        for level in range(LEVELS):
            n_wanted = min(n_tables, limits[q] - n_read)
            if n_wanted <= 0:
                break
            for table in range(n_tables):
                n_rows[table] = _look_up(starts[table], _substring(queries[q], table), level, bounds)
            wanted = every if n_wanted == n_tables else np.argsort(n_rows)[:n_wanted]
            for table in wanted:
                radii[q, table] = level
                spent += n_rows[table] * _ROW_COST
            n_read += n_wanted
        if spent > budget:
            radii[q], resolved[q] = -1, False
    return radii


@njit(cache=True, nogil=True)
def _lookups(queries, radii, table):  # type: ignore[no-untyped-def]
    """Return ``query << 32 | bucket`` for all buckets of a table that are to be read, nearly sorted."""
    ends = np.zeros((N_BUCKETS >> _BIN_SHIFT) + 1, np.int64)
    for q in range(len(queries)):
        bucket = _substring(queries[q], table)
        for i in range(_LEVEL_STARTS[radii[q, table] + 1]):
            ends[((bucket ^ _FLIPS[i]) >> _BIN_SHIFT) + 1] += 1
    ends = np.cumsum(ends)
    lookups = np.empty(ends[-1], np.int64)
    for q in range(len(queries)):
        bucket = _substring(queries[q], table)
        for i in range(_LEVEL_STARTS[radii[q, table] + 1]):
            other = bucket ^ _FLIPS[i]
            lookups[ends[other >> _BIN_SHIFT]] = (q << _QUERY_SHIFT) | other
            ends[other >> _BIN_SHIFT] += 1
    return lookups


@njit(cache=True, nogil=True)
def _near_entries(starts, rests, lookups, queries, table, limits, near):  # type: ignore[no-untyped-def]
    """Write ``query << 32 | entry`` of the entries that may be below a limit, judged by their rests.

    Returns how many, `near`, which may have grown, and the lookups that are left when `near` holds enough.
    """
    n_near, last = 0, len(rests) - _CHUNK
    wanted = np.empty((len(queries), 2), np.uint32)
    for q in range(len(queries)):
        wanted[q, 0], wanted[q, 1] = _rest(queries[q, 0], table), _substring(queries[q], table)
    for n_done, lookup in enumerate(lookups):
        if n_near >= _ENOUGH:
            return n_near, near, lookups[n_done:]
        q, bucket = lookup >> _QUERY_SHIFT, lookup & _LOW
        rest, flipped = wanted[q, 0], popcount(np.uint64(wanted[q, 1] ^ bucket))
        most = np.uint32(limits[q] - np.int64(flipped))
        begin, end = np.int64(starts[bucket]), np.int64(starts[bucket + 1])
        if n_near + end - begin >= len(near):
            near = longer(near, 2 * (n_near + end - begin + 1))
        for start in range(begin, end, _CHUNK):
            at = min(start, last)
            if at < 0 or _any_near(rests[at : at + _CHUNK], rest, most):
                for i in range(start, np.minimum(start + _CHUNK, end)):
                    near[n_near] = (q << _QUERY_SHIFT) | i
                    n_near += popcount(np.uint64(rests[i] ^ rest)) < most
    return n_near, near, lookups[:0]


@njit(cache=True, nogil=True)
def _any_near(chunk, rest, most):  # type: ignore[no-untyped-def]
    """Return whether any of `_CHUNK` entries is near; entries past the bucket count too, but few are near.

    The compiler vectorises a loop of a fixed length, but only if that is long enough (48, but not 32).
    """
    found = np.uint32(0)
    for i in range(_CHUNK):
        found |= np.uint32(np.uint32(popcount(np.uint64(chunk[i] ^ rest))) < most)
    return found != np.uint32(0)


@njit(cache=True, nogil=True)
def _even_cost(n, n_tables, limit):  # type: ignore[no-untyped-def]
    """Return the cost of a query if its limit does not fall and all buckets are equal; `_TOO_MUCH` beyond the reach.

    A query that is too expensive even then is not started.
    """
    if limit > LEVELS * n_tables:
        return _TOO_MUCH
    n_buckets, n_read = np.int64(0), 0
    for level in range(LEVELS):
        wanted = max(0, min(n_tables, limit - n_read))
        n_buckets += wanted * (_LEVEL_STARTS[level + 1] - _LEVEL_STARTS[level])
        n_read += wanted
    n_rows = n_buckets * n // N_BUCKETS
    return n_buckets * _BUCKET_COST + n_rows * (_ROW_COST if n_tables == _PER_WORD else _FAR_ROW_COST)


@njit(cache=True, nogil=True)
def _search_one(codes, tables, query, k, limit, counts, budget, bounds, keys, first, near, sink):  # type: ignore[no-untyped-def]
    """Write keys of one query's neighbours from `first` on; return how many, or -1 if too expensive, and its new limit.

    The tables are read level by level: with no, then one, then two bits flipped; in each level, the tables with the
    fewest rows first. After `s` reads, everything within ``s - 1`` has been found. Also returns `keys`, and `near`, a
    buffer for rows; both may have grown.
    """
    starts, rows, rests = tables
    n_tables = len(starts)
    radii, n_rows = np.full(n_tables, -1), np.empty(n_tables, np.int64)
    found, n_read, spent = first, 0, 0
    asked, reach = limit, LEVELS * n_tables
    limit = min(limit, reach)
    below = counts[: max(limit - 1, 0)].sum()
    for level in range(LEVELS):
        lacking = asked > reach and counts[:limit].sum() < k
        if n_read >= limit or (lacking and level == LEVELS - 1):
            break  # all is found; or fewer than k are within the reach of the tables, and k are unlikely
        n_flips = _LEVEL_STARTS[level + 1] - _LEVEL_STARTS[level]
        spent += min(n_tables, limit - n_read) * n_flips * _BUCKET_COST
        allowed = budget // _RISK if lacking else budget
        if spent > allowed:  # looking up the buckets is already part of the cost
            break
        for table in range(n_tables):
            n_rows[table] = _look_up(starts[table], _substring(query, table), level, bounds[table])
        wanted = np.argsort(n_rows)[: limit - n_read]
        spent += n_rows[wanted].sum() * (_ROW_COST if len(query) == 1 else _FAR_ROW_COST)
        if spent > allowed:
            break
        for table in wanted:
            _touch(rows[table] if len(query) > 1 else rests[table], bounds[table, :n_flips], sink)
        for table in wanted:
            if n_read >= limit:
                break
            if len(near) <= n_rows[table]:
                near = np.empty(2 * n_rows[table], np.int64)
            n_near = _near_rows(rows[table], rests[table], bounds[table, :n_flips], query, table, limit - level, near)
            if found + n_near > len(keys):
                keys = longer(keys, 2 * (found + n_near))
            n_new, limit, below = _keep(codes, query, near[:n_near], radii, k, limit, below, counts, keys[found:])
            found += n_new
            radii[table] = level
            n_read += 1
    if asked > reach and counts[:limit].sum() < k:
        return -1, asked, keys, near
    return found - first if n_read >= limit else -1, limit, keys, near


@njit(cache=True, nogil=True)
def _keep(codes, query, near, radii, k, limit, below, counts, keys):  # type: ignore[no-untyped-def]
    """Write the keys of rows that are below the limit and new; return how many, the new limit and `below`.

    below : how many have been found below ``limit - 1``. The distance of the farthest of k stays below the limit, as
    there may be lower rows at the same distance.
    """
    n = 0
    for i in range(len(near)):
        row = min(near[i], len(codes) - 1)  # a damaged file must not make us read outside the array
        distance = _distance(codes, row, query)
        if distance < limit and not _seen(codes[row], query, radii):
            keys[n] = (distance << _DISTANCE_SHIFT) | row
            n += 1
            counts[distance] += 1
            below += distance < limit - 1
            while below >= k:
                limit -= 1
                below -= counts[limit - 1]
    return n, limit, below


@njit(cache=True, nogil=True)
def _substring(code, table):  # type: ignore[no-untyped-def]
    shift = np.uint64(table % _PER_WORD * SUBSTRING_BITS)
    return np.int64((code[table // _PER_WORD] >> shift) & _SUBSTRING)


@njit(cache=True, nogil=True)
def _rest(word, table):  # type: ignore[no-untyped-def]
    """Return the 32 bits that follow a substring, continuing at the start of the word."""
    after, before = np.uint64((table + 1) * SUBSTRING_BITS % 64), np.uint64((3 - table) * SUBSTRING_BITS % 64)
    if after == np.uint64(0):
        return np.uint32(word & np.uint64(0xFFFFFFFF))
    return np.uint32(((word >> after) | (word << before)) & np.uint64(0xFFFFFFFF))


@njit(cache=True, nogil=True)
def _look_up(starts, substring, level, bounds):  # type: ignore[no-untyped-def]
    """Write where the buckets of one level begin and end and return how many rows they have."""
    n_rows, first = np.int64(0), _LEVEL_STARTS[level]
    for i in range(_LEVEL_STARTS[level + 1] - first):
        bucket = substring ^ _FLIPS[first + i]
        bounds[i, 0], bounds[i, 1] = starts[bucket], starts[bucket + 1]
        n_rows += bounds[i, 1] - bounds[i, 0]
    return n_rows


@njit(cache=True, nogil=True)
def _touch(array, bounds, sink):  # type: ignore[no-untyped-def]
    """Read the first and the last entry of buckets, so that the memory fetches many buckets at the same time.

    The result is kept in `sink`, or else the compiler would leave the reads out.
    """
    total, last = array[0], len(array) - 1
    for i in range(len(bounds)):
        total |= array[min(bounds[i, 0], last)] | array[max(bounds[i, 1] - 1, 0)]
    sink[0] |= total


@njit(cache=True, nogil=True)
def _near_rows(rows, rests, bounds, query, table, limit, near):  # type: ignore[no-untyped-def]
    """Write the rows of buckets that may be below a limit, judged by their rests, and return how many.

    limit : int, above 0, for the distance of the bits outside the table's substring.
    """
    n_near = 0
    if len(query) > 1:
        for i in range(len(bounds)):
            for at in range(bounds[i, 0], bounds[i, 1]):
                near[n_near] = rows[at]
                n_near += 1
        return n_near
    rest, most = _rest(query[0], table), np.uint64(limit)
    for i in range(len(bounds)):
        for at in range(bounds[i, 0], bounds[i, 1]):
            near[n_near] = at
            n_near += popcount(np.uint64(rests[at] ^ rest)) < most
    for i in range(n_near):
        near[i] = rows[near[i]]
    return n_near


@njit(cache=True, nogil=True)
def _distance(codes, row, query):  # type: ignore[no-untyped-def]
    if codes.shape[1] == 1:
        return np.int64(popcount(codes[row, 0] ^ query[0]))
    total = np.uint64(0)
    for word in range(codes.shape[1]):
        total += popcount(codes[row, word] ^ query[word])
    return np.int64(total)


@njit(cache=True, nogil=True)
def _seen(code, query, radii):  # type: ignore[no-untyped-def]
    """Return whether a code was found before: it is within the radius to which some table has been read."""
    for table in range(len(radii)):
        if radii[table] >= 0:
            shift = np.uint64(table % _PER_WORD * SUBSTRING_BITS)
            word = table // _PER_WORD
            apart = ((code[word] ^ query[word]) >> shift) & _SUBSTRING
            if np.int64(popcount(apart)) <= radii[table]:
                return True
    return False
