/* SPDX-License-Identifier: MIT */
/* Who pushes, relays and listens: point 9 of docs/multiprocess.md. */

/* RUN safety: DEATHS=1 */
/* RUN safety_orphaned: DEATHS=1 ORPHANED=1 */
/* RUN takeover: DEATHS=1 LIVENESS=1 */
/* RUN takeover_orphaned: DEATHS=1 ORPHANED=1 LIVENESS=1 */
/* Two processes ask for the lease for ever; DEATHS of them are killed, at any step, and may leave a
   child that keeps the flock. ORPHANED: the child of a third one has it when they come. Time is not
   counted: a lease is stale when it was seen twice without a heartbeat in between, however fast that
   was, so the living lose it here much more often. */

#define PROCESSES 2
#define NOBODY 255
#define ORPHAN 254
#define FILES 6 /* enough: the one with the name, those of two processes, those of orphans */
#define NONE FILES

byte lease = NONE;     /* the file that has the name */
byte holder[FILES];    /* of its flock */
bit beat[FILES];
byte set_lock = NOBODY;
byte deaths;

/* The file that a process has open, and the one that it found held, with its heartbeat. */
byte opened[PROCESSES];
byte watched[PROCESSES];
bit watched_beat[PROCESSES];

/* What a process believes, and whether it has looked since the file was last replaced. */
bool believes[PROCESSES];
bool fresh[PROCESSES];
byte held[PROCESSES];

#define SURE(i) (believes[i] && fresh[i])
#define AT_MOST_ONE_IS_SURE (SURE(0) + SURE(1) <= 1)

#define HAS_OPEN(i, file) (opened[i] == (file) || held[i] == (file) || watched[i] == (file))
#define SOMEBODY_HAS_OPEN(file) (HAS_OPEN(0, file) || HAS_OPEN(1, file))

#define MAY_DIE                                         \
  if                                                    \
  :: skip                                               \
  :: atomic { deaths < DEATHS -> deaths++; goto killed } \
  fi

proctype Process(byte self) {
  byte f;
asks:
  if
  :: believes[self] -> goto renews
  :: else -> skip
  fi;
  /* Opened, or made if it is not there. */
  atomic {
    if
    :: lease == NONE -> opened[self] = 0; lease = 0
    :: else -> opened[self] = lease
    fi
  }
  /* The flock is tried. */
  if
  :: atomic { holder[opened[self]] == NOBODY -> holder[opened[self]] = self }
     MAY_DIE;
#ifdef MUTANT_NO_CHECK_OF_THE_NAME
     goto taken;
#else
     if
     :: lease == opened[self] -> goto taken
     :: else ->
        atomic { holder[opened[self]] = NOBODY; opened[self] = NONE }
        goto asks
     fi;
#endif
  :: else -> skip
  fi;
  /* Somebody has it: is it as it was? */
  atomic {
    if
#ifndef MUTANT_NO_HEARTBEAT
    :: watched[self] == opened[self] && watched_beat[self] == beat[opened[self]] ->
       opened[self] = NONE
#endif
    :: else ->
       watched[self] = opened[self];
       watched_beat[self] = beat[opened[self]];
       opened[self] = NONE;
       goto asks
    fi
  }
  /* It is stale: under set.lock, and only if it still is what was watched. */
#ifndef MUTANT_NO_SET_LOCK
  if
  :: atomic { set_lock == NOBODY -> set_lock = self }
  :: else -> goto asks
  fi;
#endif
  MAY_DIE;
#ifndef MUTANT_NO_SECOND_CHECK
  if
  :: lease == watched[self] && watched_beat[self] == beat[lease] -> skip
  :: else ->
     atomic {
       watched[self] = NONE;
       watched_beat[self] = 0;
       set_lock = NOBODY
     }
     goto asks
  fi;
#endif
  atomic {
    /* Any that nobody can come to. */
    do
    :: f == lease || holder[f] != NOBODY || SOMEBODY_HAS_OPEN(f) -> f++
    :: else -> break
    od;
    assert(f < FILES);
    beat[f] = 0;
    holder[f] = self;
    opened[self] = f;
    f = 0
  }
  MAY_DIE;
  atomic {
    /* Nobody replaces a lease that he has not watched. */
    assert(lease == watched[self]);
    lease = opened[self];
    fresh[0] = false;
    fresh[1] = false;
    set_lock = NOBODY
  }
  MAY_DIE;
taken:
  atomic {
    held[self] = opened[self];
    opened[self] = NONE;
    watched[self] = NONE;
    watched_beat[self] = 0;
    beat[held[self]] = 1 - beat[held[self]];
    believes[self] = true;
    fresh[self] = (lease == held[self]);
#ifdef MUTANT_NO_CHECK_OF_THE_NAME
    fresh[self] = true;
#endif
    assert(AT_MOST_ONE_IS_SURE)
  }
  goto asks;
renews:
  MAY_DIE;
  atomic {
    if
#ifdef MUTANT_NO_CHECK_AT_RENEWAL
    :: true -> fresh[self] = true
#else
    :: lease == held[self] -> fresh[self] = true
    :: else ->
       believes[self] = false;
       holder[held[self]] = NOBODY;
       held[self] = NONE
#endif
    fi;
    assert(AT_MOST_ONE_IS_SURE)
  }
  if
  :: believes[self] -> beat[held[self]] = 1 - beat[held[self]]
  :: else -> skip
  fi;
  goto asks;
killed:
  atomic {
    believes[self] = false;
    fresh[self] = false;
    if
    :: set_lock == self -> set_lock = NOBODY
    :: else -> skip
    fi;
    /* Its flock ends with it, unless a child has the descriptor, too. */
    if
    :: opened[self] != NONE && holder[opened[self]] == self -> held[self] = opened[self]
    :: else -> skip
    fi;
    if
    :: held[self] != NONE -> holder[held[self]] = NOBODY
    :: held[self] != NONE -> holder[held[self]] = ORPHAN
    :: else -> skip
    fi;
    held[self] = NONE;
    opened[self] = NONE;
    watched[self] = NONE;
    watched_beat[self] = 0
  }
}

#ifdef LIVENESS
/* Whatever dies, somebody believes to have it again and again. */
#define SOMEBODY_HAS_IT (believes[0] || believes[1])
ltl takeover { [] <> SOMEBODY_HAS_IT }
#endif

init {
  byte i;
  atomic {
    for (i : 0 .. FILES - 1) { holder[i] = NOBODY }
#ifdef ORPHANED
    lease = 0;
    holder[0] = ORPHAN;
#endif
    for (i : 0 .. PROCESSES - 1) {
      held[i] = NONE;
      opened[i] = NONE;
      watched[i] = NONE;
      run Process(i)
    }
  }
}
