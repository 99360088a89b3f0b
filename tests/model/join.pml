/* SPDX-License-Identifier: MIT */
/* Coming and leaving under set.lock: points 8 and 12 of docs/multiprocess.md, and who is the last
   that leaves. */

/* RUN all: PROCESSES=3 */
/* PROCESSES come, count once, and leave or are killed, at any step. */

#define NOBODY 255
#define HAS(set, i) (((set) >> (i)) & 1)
#define BIT(i) (1 << (i))

bool flocked[PROCESSES];
bool named[PROCESSES];
bool running[PROCESSES];
byte slot[PROCESSES];
byte count[PROCESSES];
byte set_lock = NOBODY;

/* Not in the system. */
byte told_last;   /* how many were told that they are the last */
byte left;        /* how many left by themselves */
byte ran;         /* how many have come to run */
bool left_early;  /* somebody, before all ran */
bool anybody_killed;

#define MAY_DIE                                            \
  if                                                       \
  :: skip                                                  \
  :: atomic { true -> anybody_killed = true } goto ended   \
  fi

#ifdef MUTANT_NO_SET_LOCK
#define LOCK skip
#else
#define LOCK atomic { set_lock == NOBODY -> set_lock = self }
#endif
#define UNLOCK set_lock = NOBODY

#define UNIQUE(a, b) (!(named[a] && flocked[a] && named[b] && flocked[b] && slot[a] == slot[b]))
#define SLOTS_ARE_UNIQUE (UNIQUE(0, 1) && UNIQUE(0, 2) && UNIQUE(1, 2))

proctype Process(byte self) {
  byte i, taken, mine;
  bool other;
#ifndef MUTANT_NAME_BEFORE_FLOCK
  flocked[self] = true;
#endif
  LOCK;
  MAY_DIE;
  /* Each flock is tried at its own moment. */
  do
  :: atomic {
       i < PROCESSES;
       if
       :: named[i] && flocked[i] -> other = true; taken = taken | BIT(slot[i])
       :: else -> skip
       fi;
       i++
     }
  :: atomic { i == PROCESSES -> i = 0; break }
  od;
  /* The first one clears what the dead have left, where it is configured so. */
  do
  :: atomic {
       i < PROCESSES;
       if
       :: !other && named[i] ->
          assert(!flocked[i] || i == self); /* nothing of the living is cleared */
          named[i] = false;
          count[i] = 0
       :: else -> skip
       fi;
       i++
     }
  :: atomic { i == PROCESSES -> i = 0; break }
  od;
  atomic {
    do
    :: HAS(taken, mine) -> mine++
    :: else -> break
    od;
    assert(mine < PROCESSES);
    slot[self] = mine;
    taken = 0;
    other = false
  }
  MAY_DIE;
  atomic { named[self] = true; assert(SLOTS_ARE_UNIQUE) }
#ifdef MUTANT_NAME_BEFORE_FLOCK
  UNLOCK;
  atomic { flocked[self] = true; assert(SLOTS_ARE_UNIQUE) }
#else
  UNLOCK;
#endif
  MAY_DIE;
  atomic { running[self] = true; count[self]++; ran++ }
  MAY_DIE;
  assert(count[self] == 1);
  /* It leaves. */
  LOCK;
  MAY_DIE;
  atomic { running[self] = false; left_early = left_early || ran < PROCESSES }
  do
  :: atomic {
       i < PROCESSES;
       if
       :: i != self && named[i] && flocked[i] && running[i] -> other = true
       :: else -> skip
       fi;
       i++
     }
  :: atomic { i == PROCESSES -> i = 0; break }
  od;
  atomic {
    if
    :: !other -> told_last++
    :: else -> skip
    fi;
    left++
  }
  UNLOCK;
ended:
  atomic {
    flocked[self] = false;
    running[self] = false
  }
  atomic {
    if
    :: set_lock == self -> set_lock = NOBODY
    :: else -> skip
    fi
  }
  /* Where all ran before one left, and nobody was killed, exactly one deletes what all have pushed. */
  atomic {
    if
    :: left == PROCESSES && !left_early && !anybody_killed -> assert(told_last == 1)
    :: else -> skip
    fi
  }
}

init {
  byte i;
  atomic {
    for (i : 0 .. PROCESSES - 1) { run Process(i) }
  }
}
