# SPDX-License-Identifier: MIT
# libwt: `make demo` and `make check` do everything; `make help` lists the rest.

VERSION := 0.1.0

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec
BINDIR     ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DESTDIR    ?=

CC      ?= cc
CFLAGS  ?= -O2 -g
OBJ     ?= obj
JOBS    ?= $(shell nproc)
LIB     ?= libwt.so

# The interposed symbols are defined here: fortified headers would redirect them.
override CPPFLAGS += -iquote shim -iquote include -DWT_VERSION='"$(VERSION)"' -U_FORTIFY_SOURCE
override CFLAGS   += -std=gnu11 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-fvisibility=hidden -fPIC -pthread -MMD -MP

ifneq ($(V),1)
Q := @
ifeq (,$(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))))
say = @for word in $(2); do printf '  %-4s %s\n' '$(1)' "$$word"; done
endif
endif

# Each floor is a folder, the lowest first; a file uses only what stands below it.
BELOW     := base os report state ring engine core
BELOW_SRC := $(wildcard $(BELOW:%=shim/%/*.c))
EDGE_SRC  := $(filter-out shim/edge/front.c,$(wildcard shim/edge/*.c shim/edge/stdio/*.c))
TOOL_SRC  := $(wildcard shim/tool/*.c)
object     = $(patsubst %.c,$(OBJ)/o/%.o,$(1))

# A test program is a folder with a main.c, or one file of these folders, and has that name.
PROG_DIRS  := $(patsubst %/main.c,%,$(wildcard tests/*/main.c tests/*/*/main.c))
PROG_FILES := $(wildcard $(patsubst %,tests/%/*.c,prog abi apps bare-threads uncovered))
PROGS      := $(addprefix $(OBJ)/tests/prog/,$(notdir $(PROG_DIRS) $(PROG_FILES:.c=)))
prog_src    = $(wildcard $(addsuffix /*.c,$(filter %/$(1),$(PROG_DIRS)))) $(filter %/$(1).c,$(PROG_FILES))
DISK_PROGS := $(patsubst tests/disk/%.c,$(OBJ)/tests/disk/%,$(wildcard tests/disk/*.c))
BENCHES := $(patsubst bench/%.c,$(OBJ)/bench/%,$(filter-out bench/lib.c,$(wildcard bench/*.c))) $(OBJ)/bench/empty.so

all: $(LIB) $(OBJ)/wt-tool

# What is missing for a build is told by package before anything is compiled.
TOOLS := $(OBJ)/tools-$(subst /,_,$(firstword $(CC)))
$(TOOLS):
	$(Q)$(if $(wildcard tests/deps),tests/deps tools "$(CC)")
	$(Q)mkdir -p $(@D) && touch $@

# A copy of liburing under names of its own: libwt exports some of liburing's for the program.
LIBURING := $(shell $(CC) -print-file-name=liburing.a 2>/dev/null)
$(OBJ)/own-uring.a: $(wildcard $(LIBURING)) | $(TOOLS)
	$(Q)mkdir -p $(@D)
	$(Q)nm -g --defined-only $< | awk '$$2 == "T" { print $$3, "wt_own_" $$3 }' >$@.names
	$(Q)objcopy --redefine-syms=$@.names $< $@

# Inside the library its functions have names of their own; front.c exports the others.
$(OBJ)/interposed: shim/os/symbols.def
	$(Q)mkdir -p $(@D)
	$(Q)sed -n -e 's/^WT_[A-Z]*([^,(]*, *\([a-z_0-9A-Z]*\), *\((.*\)\?$$/\1 wt_edge_\1/p' \
		-e 's/^WT_SAME(\([a-zA-Z0-9_]*\),.*/\1 wt_edge_\1/p' $< >$@

$(OBJ)/i/%.o: $(OBJ)/o/%.o $(OBJ)/interposed
	$(Q)mkdir -p $(@D)
	$(Q)objcopy --redefine-syms=$(OBJ)/interposed $< $@

# What each process runs, at its start and end, to fork and to execute, lies together: fewer pages.
EACH_SRC := $(patsubst %,shim/%.c,edge/init os/real os/elf os/scope edge/bind os/thread os/process os/sys state/config \
	base/policy base/glob base/text state/environment report/stats report/log state/fdtable state/vfork_child \
	state/uncovered_child os/program edge/exec edge/dup edge/close core/write core/lifecycle state/description state/pending_error \
	state/shared base/file_trust)
LIB_SRC  := $(EACH_SRC) $(filter-out $(EACH_SRC),$(BELOW_SRC) $(EDGE_SRC))

$(LIB): $(call object,shim/edge/front.c) $(patsubst %.c,$(OBJ)/i/%.o,$(LIB_SRC)) shim/libwt.map $(OBJ)/own-uring.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libwt.so -Wl,--version-script=shim/libwt.map \
		-Wl,--exclude-libs,ALL,-Bsymbolic-functions -Wl,-z,now,-z,defs,-z,nodelete,-z,noseparate-code \
		-Wl,-z,initfirst -o $@ $(filter %.o,$^) $(OBJ)/own-uring.a -ldl

$(OBJ)/wt-tool: $(call object,$(TOOL_SRC) $(BELOW_SRC)) $(OBJ)/own-uring.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ldl

$(OBJ)/o/%.o: %.c Makefile | $(TOOLS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# A sanitizer's runtime calls these before it is ready for what it instruments.
$(patsubst %,$(OBJ)/o/shim/%.o,edge/thread os/real os/elf os/scope edge/bind edge/lookup edge/rebind): override CFLAGS += \
	-fno-sanitize=all -fno-builtin

# Tests and figures.

tests: all $(OBJ)/tests/unit $(OBJ)/tests/system $(PROGS) $(OBJ)/tests/disk/plugin.so $(DISK_PROGS)

$(OBJ)/tests/unit: $(call object,$(wildcard tests/unit/*.c) $(BELOW_SRC)) $(OBJ)/own-uring.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcriterion -ldl

$(OBJ)/tests/system: $(call object,$(wildcard tests/system/*.c tests/lib/*.c))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcriterion -lseccomp

.SECONDARY:
.SECONDEXPANSION:
$(OBJ)/tests/prog/commit_rocksdb: LDLIBS := -lrocksdb
$(OBJ)/tests/prog/sandbox: LDLIBS := -lseccomp
$(PROGS): $(OBJ)/tests/prog/%: $$(call object,$$(call prog_src,$$*))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ldl $(LDLIBS)

# Each call is to be the one that the program names.
$(OBJ)/o/tests/abi/%.o: override CFLAGS += -fno-builtin
$(addprefix $(OBJ)/tests/prog/,symbol inline submitted): LDLIBS := -luring -laio
$(OBJ)/tests/prog/symbol: $(OBJ)/tests/prog/late.so
# A library of the program's has functions and variables of libc's names.
$(OBJ)/o/tests/abi/copied.o: override CFLAGS += -fno-pic
$(OBJ)/tests/prog/copied: private override LDFLAGS += -no-pie
$(OBJ)/tests/prog/stolen: $(OBJ)/tests/prog/stolen_code.so
$(OBJ)/tests/prog/taken $(OBJ)/tests/prog/copied: $(OBJ)/tests/prog/stolen_data.so
$(OBJ)/tests/prog/stolen%.so: override LDFLAGS += -Wl,-soname,$(@F)
$(addprefix $(OBJ)/tests/prog/,stolen taken copied): override LDFLAGS += -Wl,-rpath,'$$ORIGIN'
$(OBJ)/tests/prog/%.so: $(OBJ)/o/tests/abi/lib/%.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $^

# The disk that can fail: an nbdkit plugin, and what drives it.
$(OBJ)/tests/disk/plugin.so: $(call object,$(wildcard tests/disk/plugin/*.c))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $^

$(DISK_PROGS): $(OBJ)/tests/disk/%: $(OBJ)/o/tests/disk/%.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(OBJ)/bench/%: $(OBJ)/o/bench/%.o $(call object,bench/lib.c shim/os/elf.c)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ldl

# libc's functions are called by pointers: so must be those that libwt stands before.
$(OBJ)/o/bench/%.o: override CFLAGS += -fno-plt

# The least that a preload can cost.
$(OBJ)/bench/empty.so:
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -shared -nostdlib -x c -o $@ /dev/null

test-programs: $(PROGS)

deps:
	$(Q)tests/deps

# Where the tests find what was built, if it is not where it usually is.
BUILT := $(if $(filter-out obj,$(OBJ)),WT_OBJ="$(abspath $(OBJ))") \
	$(if $(filter-out libwt.so,$(LIB)),WT_LIB="$(abspath $(LIB))")

check test: deps
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) tests
	$(Q)$(BUILT) tests/run

# What the sources show without being run.
lint:
	$(Q)tests/deps lint
	$(Q)tests/sh/lint.sh

# On other kernels, in QEMU: versions that Debian has packages of, or paths of images; `running`.
KERNELS ?= 6.1 6.12 running
check-kernels: deps
	$(Q)tests/deps kernels
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) tests
	$(Q)$(BUILT) WT_KERNELS="$(KERNELS)" tests/run kernels; status=$$?; \
		sed -n 's/^# table: //p' $(OBJ)/tests/log/kernels.tap; exit $$status

soak: deps
	$(Q)tests/deps kernels
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) tests
	$(Q)$(BUILT) WT_SOAK=1 tests/run

# Under libFuzzer, each for FUZZ_SECONDS: the policy parser, and the report and the log.
FUZZ_SECONDS ?= 600
FUZZERS := $(OBJ)/fuzz/policy $(OBJ)/fuzz/report
$(OBJ)/fuzz/policy: fuzzed := base/policy base/glob base/text
$(OBJ)/fuzz/report: fuzzed := $(addprefix base/,policy glob label text file_trust reason) \
	$(addprefix report/,stats figures unruled report json text log) $(addprefix os/,elf thread process fd_path sys)
$(OBJ)/fuzz/report: LDFLAGS += -Wl,--wrap=wt_sys_map_wiped,--wrap=wt_sys_now_ns,--wrap=wt_sys_unix_ms
$(FUZZERS): $(OBJ)/fuzz/%: tests/fuzz/%.c tests/fuzz/judge.c tests/fuzz/fuzz.h $(wildcard shim/*/*.[ch])
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)command -v clang >/dev/null || { \
		echo "clang is missing, packages clang and libclang-rt-dev: apt-get install them" >&2; exit 1; }
	$(Q)clang $(CPPFLAGS) -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $< \
		tests/fuzz/judge.c $(patsubst %,shim/%.c,$(fuzzed))

fuzzers: $(FUZZERS)

fuzz: fuzzers
	$(Q)$(foreach f,$(FUZZERS),$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -artifact_prefix=$f- &&) true

# libwt under AddressSanitizer and UndefinedBehaviorSanitizer, and under ThreadSanitizer.
check-asan check-tsan: check-%: deps
	$(Q)tests/sanitize $(if $(filter asan,$*),address,thread)

demo:
	$(Q)tests/deps demo
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all $(OBJ)/tests/prog/dirty
	$(Q)bench/demo.sh

bench-quick:
	$(Q)tests/deps bench
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all $(BENCHES)
	$(Q)bench/quick.sh

# One list for install and uninstall: what, where, mode.
INSTALLED := \
	libwt.so:$(LIBDIR)/libwt.so:755 \
	include/wt.h:$(INCLUDEDIR)/wt.h:644 \
	$(OBJ)/wt-tool:$(LIBEXECDIR)/libwt/wt-tool:755 \
	$(OBJ)/wt-preload.sh:$(BINDIR)/wt-preload.sh:755 \
	$(OBJ)/libwt.pc:$(LIBDIR)/pkgconfig/libwt.pc:644 \
	shim/man/libwt.7:$(MANDIR)/man7/libwt.7:644 \
	shim/man/wt-preload.1:$(MANDIR)/man1/wt-preload.1:644
field = $(word $(2),$(subst :, ,$(1)))

# Where files go, as the launcher and the loader can name it.
ifneq (,$(filter install uninstall,$(MAKECMDGOALS)))
$(foreach v,PREFIX LIBDIR LIBEXECDIR BINDIR INCLUDEDIR MANDIR,$(if $(or $(word 2,$($v)),$(filter-out /%,$($v)),$(findstring :,$($v))),\
	$(error $v='$($v)' given, expected an absolute path without a blank or a colon)))
endif

$(OBJ)/wt-preload.sh $(OBJ)/libwt.pc: $(OBJ)/%: $$(wildcard %) $$(wildcard shim/%.in) FORCE
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ # it may be root's, from an installation
	$(Q)sed -e 's|@LIBDIR@|$(LIBDIR)|g;s|@LIBEXECDIR@|$(LIBEXECDIR)|g;s|@PREFIX@|$(PREFIX)|g' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g;s|@VERSION@|$(VERSION)|g' $< > $@

install: all $(OBJ)/wt-preload.sh $(OBJ)/libwt.pc
	$(Q)$(foreach f,$(INSTALLED),install -D -m $(call field,$f,3) $(call field,$f,1) \
		"$(DESTDIR)$(call field,$f,2)" &&) true || { echo "make install: expected to be allowed to write below \
		'$(DESTDIR)$(PREFIX)'; as root, or with PREFIX=DIRECTORY or DESTDIR=DIRECTORY" >&2; exit 1; }
	$(call say,INST,$(foreach f,$(INSTALLED),"$(DESTDIR)$(call field,$f,2)"))
	$(call say,,"to run a program: $(BINDIR)/wt-preload.sh -P sqlite sqlite3 my.db; man 7 libwt")

uninstall:
	$(Q)$(foreach f,$(INSTALLED),rm -f "$(DESTDIR)$(call field,$f,2)" &&) true
	$(call say,RM,$(foreach f,$(INSTALLED),"$(DESTDIR)$(call field,$f,2)"))

clean:
	rm -rf $(OBJ) $(LIB)

help:
	@echo 'make               libwt.so and its tool'
	@echo 'make demo          real programs through libwt: what each level costs and covers'
	@echo 'make check         every test (under 15 minutes on a quiet machine); make soak: the long forms'
	@echo 'make lint          shellcheck, cppcheck, clang-format and compilers, over all sources'
	@echo 'make check-kernels tests on other kernels, in QEMU, and a table; KERNELS="$(KERNELS)"'
	@echo 'make check-asan    tests under the sanitizers; make check-tsan: for threads'
	@echo 'make fuzz          policy parser, report and log under libFuzzer, FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make bench-quick   the figures'
	@echo 'make install       PREFIX=$(PREFIX) DESTDIR=$(DESTDIR); make uninstall'
	@echo 'OBJ=DIR LIB=DIR/libwt.so  builds there, for a tree that is not to be written'
	@echo 'V=1 shows commands; CC, CFLAGS, LIBDIR, LIBEXECDIR, BINDIR, MANDIR as usual'

.PHONY: all tests test test-programs deps check lint check-kernels check-asan check-tsan soak fuzz fuzzers demo bench-quick install uninstall clean help FORCE
-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)
