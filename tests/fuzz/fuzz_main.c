/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a target on one thread with the stack that servers use: for libFuzzer, or over files and folders named
 * as arguments. Without libFuzzer each file is also tried cut short at many places and with some bytes
 * altered, the same ones in every run. */
#include "fuzz.h"

#include "base/stack.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    pthread_once_t once;
    sem_t given, done;
    struct str input;
} worker = {.once = PTHREAD_ONCE_INIT};

static void *work(void *arg UNUSED)
{
    for (;;) {
        while (sem_wait(&worker.given) != 0)
            ;
        fuzz_target(worker.input);
        sem_post(&worker.done);
    }
    return NULL;
}

static void start(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (sem_init(&worker.given, 0, 0) || sem_init(&worker.done, 0, 0) || pthread_attr_init(&attributes) ||
        pthread_attr_setstacksize(&attributes, THREAD_STACK) ||
        pthread_create(&thread, &attributes, work, NULL) || pthread_detach(thread))
        abort();
    pthread_attr_destroy(&attributes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pthread_once(&worker.once, start);
    worker.input = (struct str){(const char *)data, size};
    sem_post(&worker.given);
    while (sem_wait(&worker.done) != 0)
        ;
    return 0;
}

#ifndef FUZZ_LIBFUZZER

enum { CUTS = 40, ALTERED = 60 };

/* In memory of exactly its size, so that a byte too far is seen. */
static void run(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void run_near(uint8_t *bytes, size_t n)
{
    uint32_t seed = 1;
    run(bytes, n);
    for (size_t i = 0; i < CUTS && i < n; i++)
        run(bytes, n * i / CUTS);
    for (int i = 0; i < ALTERED && n; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t at = (seed >> 8) % n;
        uint8_t was = bytes[at];
        seed = seed * 1664525 + 1013904223;
        bytes[at] = (uint8_t)(seed >> 16);
        run(bytes, n);
        bytes[at] = was;
    }
}

static size_t replay_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    struct stat about;
    if (!in || fstat(fileno(in), &about) != 0) {
        perror(path);
        exit(1);
    }
    size_t size = (size_t)about.st_size;
    uint8_t *bytes = malloc(size + 1);
    if (!bytes || fread(bytes, 1, size, in) != size) {
        perror(path);
        exit(1);
    }
    fclose(in);
    fprintf(stderr, "%s\n", path); /* so that a crash names its input */
    run_near(bytes, size);
    free(bytes);
    return 1;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t replay(const char *path)
{
    struct dirent **names;
    char file[4096];
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISDIR(about.st_mode))
        return replay_file(path);
    int count = scandir(path, &names, visible, alphasort);
    if (count < 0) {
        perror(path);
        exit(1);
    }
    for (int i = 0; i < count; i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        replay_file(file);
        free(names[i]);
    }
    free(names);
    return (size_t)count;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    run((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        files += replay(argv[i]);
    printf("%zu files\n", files);
    return files ? 0 : 1;
}

#endif
