/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines on stderr: time, level, component, event, key=value facts. One write(2) a line. Whoever
 * decides what happens next logs, once. any thread */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level); /* at start; WEIR_LOG=debug|info|warn|error sets it too */
void log_line(enum log_level level, const char *component, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define log_debug(component, event, ...) log_line(LOG_DEBUG, component, event, __VA_ARGS__)
#define log_info(component, event, ...) log_line(LOG_INFO, component, event, __VA_ARGS__)
#define log_warn(component, event, ...) log_line(LOG_WARN, component, event, __VA_ARGS__)
#define log_error(component, event, ...) log_line(LOG_ERROR, component, event, __VA_ARGS__)

#endif
