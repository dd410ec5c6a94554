/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns. Chunks of a file are cut one after the other, each where the one before it ended, but
 * their bytes are read at the same time and without the file's lock: a worker takes a turn, guesses
 * where its chunk will begin and reads from there. When its turn comes the bytes lie in its buffer,
 * and cutting and the proof are all that is left. A guess that does not fit costs that one read.
 *
 * The first in line knows its place: the position. Those behind it guess: a little before the
 * end of the window of the turn before, for that one will leave the beginning of a record at its
 * window's end. */
#include "source/file_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Only plain files, and only windows that were whole when the file was opened: at the end it is
 * looked at under the lock whether more came. Nothing handed out yet: the header and what was
 * seen first have to be looked at, too. */
static bool find_window(const struct file *f, uint64_t *from)
{
    const struct reader *r = &f->cursor.reader;
    bool is_alone = f->n_turns == f->n_served;
    if (!reader_is_open(r) || r->compression != COMPRESSION_NONE || f->head_bytes == 0 ||
        f->cursor.is_broken)
        return false;
    if (!is_alone && (f->ahead_to == 0 || f->overlap == 0))
        return false;
    uint64_t size = r->key.size < r->limit ? r->key.size : r->limit;
    *from = is_alone ? f->cursor.position : f->ahead_to - f->overlap;
    return *from + FILE_CHUNK_BYTES <= size;
}

bool file_can_share(const struct file *f)
{
    uint64_t from;
    return f->n_turns == f->n_served || find_window(f, &from);
}

static size_t read_window(int fd, char *to, size_t n, uint64_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t k = pread(fd, to + got, n - got, (off_t)(at + got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break;
        got += (size_t)k;
    }
    return got;
}

/* The window begins behind the position: records are longer than was thought. */
static void learn_overlap(struct file *f, uint64_t missing)
{
    uint64_t wanted = f->overlap;
    while (wanted > 0 && wanted < f->overlap + missing && wanted <= MAX_OVERLAP_BYTES)
        wanted *= 2;
    f->overlap = wanted <= MAX_OVERLAP_BYTES ? (uint32_t)wanted : 0; /* 0: one worker at a time */
}

/* Does what was read ahead begin at the position, or with bytes before it that were handed out? */
static bool is_window_good(struct file *f, const struct chunk_memory *m)
{
    uint64_t position = f->cursor.position;
    if (position < m->ahead_from) {
        learn_overlap(f, m->ahead_from - position);
        return false;
    }
    if (position - m->ahead_from > MAX_OVERLAP_BYTES)
        return false;
    size_t before = (size_t)(position - m->ahead_from), n = before < f->tail.n ? before : f->tail.n;
    return memcmp(m->data + before - n, f->tail.p + f->tail.n - n, n) == 0;
}

void file_take_turn(struct file_set *s, struct file *f, struct chunk_memory *m)
{
    bool is_csv = format_is_csv(s->spec.format);
    uint64_t opened = f->n_opened, from;
    int fd = find_window(f, &from) ? fcntl(f->cursor.reader.fd, F_DUPFD_CLOEXEC, 0) : -1;
    uint64_t turn = f->n_turns++;
    m->ahead_bytes = 0;
    f->ahead_to = fd < 0 ? 0 : from + FILE_CHUNK_BYTES;
    if (fd >= 0) {
        pthread_mutex_unlock(&f->lock);
        m->ahead_from = from;
        m->ahead_bytes = read_window(fd, m->data, FILE_CHUNK_BYTES, from);
        m->is_quoteless = is_csv && memchr(m->data, '"', m->ahead_bytes) == NULL;
        close(fd);
        pthread_mutex_lock(&f->lock);
    }
    while (f->n_served != turn)
        pthread_cond_wait(&f->turn, &f->lock);
    bool is_same_reader = reader_is_open(&f->cursor.reader) && f->n_opened == opened;
    if (m->ahead_bytes < FILE_CHUNK_BYTES || !is_same_reader || !file_is_ready(s, f) ||
        !is_window_good(f, m))
        m->ahead_bytes = 0;
}

void file_end_turn(struct file *f)
{
    f->n_served++;
    if (f->n_served != f->n_turns)
        pthread_cond_broadcast(&f->turn);
}
