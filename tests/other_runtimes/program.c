// SPDX-License-Identifier: Apache-2.0
//
// Does what it is told, each thing once, and says how each ended. See `run`.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[500], other[500];
static const char *in(const char *base, const char *name) {
  snprintf(path, sizeof path, "%s/%s", base, name);
  return path;
}
static void say(const char *what, int good) { printf("%s %s\n", what, good ? "ok" : errno == EPERM ? "EPERM" : strerror(errno)); }

static int send_to(int type, const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  const int s = socket(AF_INET, type, 0);
  const int good = connect(s, (struct sockaddr *)&to, sizeof to) == 0 && send(s, "secret", 6, 0) == 6;
  close(s);
  return good;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  const char *base = argv[1];
  setvbuf(stdout, NULL, _IONBF, 0);

  char text[7] = "";
  FILE *f = fopen(in(base, "read"), "r");
  if (f) (void)!fread(text, 1, 6, f), fclose(f);
  say("read", strcmp(text, "secret") == 0);
  f = fopen(in(base, "write"), "w");
  say("write", f && fputs("written", f) >= 0);
  if (f) fclose(f);
  snprintf(other, sizeof other, "%s/renamed", base);
  say("rename", rename(in(base, "from"), other) == 0);
  say("delete", unlink(in(base, "delete")) == 0);
  DIR *d = opendir(in(base, "list"));
  say("list", d != NULL);
  if (d) closedir(d);
  say("tcp", send_to(SOCK_STREAM, argv[2]));
  say("udp", send_to(SOCK_DGRAM, argv[3]));
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
  const int looked = getaddrinfo(argv[4], NULL, &hints, &found);
  printf("look_up %s\n", looked == 0 ? "ok" : looked == EAI_SYSTEM && errno == EPERM ? "EPERM" : gai_strerror(looked));
  const pid_t child = vfork();
  if (child == 0) {
    execl("/usr/bin/touch", "touch", argv[5], (char *)NULL);
    _exit(errno);
  }
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  errno = child < 0 ? errno : WEXITSTATUS(status);
  say("spawn", child > 0 && status == 0);
}
