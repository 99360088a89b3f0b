/* SPDX-License-Identifier: MIT */
/* Folding the dead and reading without a lock: points 2, 6 and 7 of docs/multiprocess.md. */

/* RUN a_reader: PROCESSES=2 INCREMENTS=2 FOLDERS=1 FOLDS=2 READS=1 */
/* RUN two_reads: PROCESSES=2 INCREMENTS=1 FOLDERS=1 FOLDS=2 READS=2 */
/* RUN two_folders: PROCESSES=3 INCREMENTS=1 FOLDERS=2 FOLDS=2 READS=0 */
/* PROCESSES come, count at most INCREMENTS times each, and end at any moment. FOLDERS fold at most
   FOLDS times each, and may be killed at every step. One reader reads READS times. */

#define NOBODY 255
#define READER 254

#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)

/* A segment. The count stands in the file and outlives its process. */
bool flocked[PROCESSES];
bool named[PROCESSES];
byte count[PROCESSES];

/* `retained`: only ever replaced as a whole. */
byte generation;
byte total;
byte folded;

/* The flock of set.lock ends with its holder. */
byte set_lock = NOBODY;

/* Not in the system: everything that was ever counted. */
byte incremented;

/* What is in the files is at every moment what was counted: no more, no less. */
#define PART(i) (named[i] && !HAS(folded, i) -> count[i] : 0)
#if PROCESSES == 2
#define NOTHING_IS_LOST (total + PART(0) + PART(1) == incremented)
#else
#define NOTHING_IS_LOST (total + PART(0) + PART(1) + PART(2) == incremented)
#endif

/* A kill while nothing but variables of the process changes is like one at the next such place. */
#define MAY_DIE if :: skip :: goto killed fi

#define UNLINK_VICTIMS                                        \
  do                                                          \
  :: d_step {                                                 \
       i < PROCESSES;                                         \
       if                                                     \
       :: HAS(victims, i) -> named[i] = false                 \
       :: else -> skip                                        \
       fi;                                                    \
       i++;                                                   \
       assert(NOTHING_IS_LOST)                                \
     }                                                        \
  :: goto killed                                              \
  :: i == PROCESSES -> break                                  \
  od

proctype Process(byte i) {
#ifdef MUTANT_NAME_BEFORE_FLOCK
  named[i] = true;
  flocked[i] = true;
#else
  /* Without a name nobody sees it: one step. */
  d_step { flocked[i] = true; named[i] = true }
#endif
  do
  :: d_step {
       count[i] < INCREMENTS;
       count[i]++;
       incremented++;
       assert(NOTHING_IS_LOST)
     }
  :: break
  od;
  flocked[i] = false
}

proctype Folder(byte self) {
  byte next_generation, next_total, next_folded, victims, i, folds;
again:
  atomic {
    folds < FOLDS && set_lock == NOBODY ->
    folds++;
#ifndef MUTANT_NO_SET_LOCK
    set_lock = self;
#endif
    next_total = total;
    next_folded = folded;
#ifdef MUTANT_SAME_GENERATION
    next_generation = generation
#else
    next_generation = generation + 1
#endif
  }
  /* Those whose files are gone are forgotten. */
  do
  :: atomic {
       i < PROCESSES ->
       if
       :: !HAS(next_folded, i) -> skip
#ifdef MUTANT_FORGET_WITHOUT_UNLINK
       :: HAS(next_folded, i) -> next_folded = next_folded & ~BIT(i)
#else
       :: HAS(next_folded, i) -> named[i] = false; next_folded = next_folded & ~BIT(i)
       :: HAS(next_folded, i) && named[i] -> skip /* it cannot be removed, for some reason */
#endif
       fi;
       i++
     }
  :: i > 0 -> goto killed
  :: atomic { i == PROCESSES -> i = 0; break }
  od;
  /* Who is dead stays so: that several flocks are tried at different moments makes no difference,
     since one who dies in between is like one who does nothing any more. */
  atomic {
    do
    :: i < PROCESSES ->
       if
#ifdef MUTANT_FOLD_THE_LIVING
       :: named[i] && !HAS(next_folded, i) ->
#else
       :: named[i] && !HAS(next_folded, i) && !flocked[i] ->
#endif
          next_total = next_total + count[i];
          victims = victims | BIT(i)
       :: else -> skip
       fi;
       i++
    :: else -> i = 0; break
    od
  }
#ifdef MUTANT_UNLINK_BEFORE_RENAME
  UNLINK_VICTIMS;
  i = 0;
#endif
  MAY_DIE;
  /* The rename: the moment at which it counts. */
  d_step {
    total = next_total;
#ifdef MUTANT_NO_UUIDS
    folded = next_folded;
#else
    folded = next_folded | victims;
#endif
    generation = next_generation;
    assert(NOTHING_IS_LOST)
  }
  UNLINK_VICTIMS;
killed:
  atomic {
    set_lock = NOBODY;
    next_generation = 0;
    next_total = 0;
    next_folded = 0;
    victims = 0;
    i = 0;
    if
    :: folds < FOLDS -> goto again
    :: else -> skip
    fi
  }
}

proctype Reader() {
  byte low, sum, last, known_generation, skip_these, seen, i, reads;
  bool locked;
  do
  :: reads < READS ->
     d_step { reads++; low = incremented }
retry:
     /* Whoever has tried in vain may take the lock; then the generation is not asked again. */
     if
     :: skip
     :: d_step { set_lock == NOBODY -> set_lock = READER; locked = true }
     fi;
     d_step {
       sum = total;
       skip_these = folded;
       known_generation = generation
     }
     /* The names. That they are not read in one moment makes no difference: what comes while they
        are read may be missed, and what goes may be gone when it is to be opened. */
     d_step {
       do
       :: i < PROCESSES ->
          if
          :: named[i] && !HAS(skip_these, i) -> seen = seen | BIT(i)
          :: else -> skip
          fi;
          i++
       :: else -> i = 0; break
       od
     }
     do
     :: i < PROCESSES && HAS(seen, i) && named[i] ->
        /* It is open from here on, also when the name goes. */
        d_step { sum = sum + count[i]; i++ }
     :: d_step { i < PROCESSES && !(HAS(seen, i) && named[i]) -> i++ }
     :: atomic { i == PROCESSES -> i = 0; seen = 0; break }
     od;
#ifndef MUTANT_NO_SECOND_LOOK
     atomic {
       if
       :: locked || generation == known_generation -> skip
       :: else -> sum = 0; skip_these = 0; known_generation = 0; goto retry
       fi
     }
#endif
     atomic {
       assert(low <= sum);         /* nothing that was counted before is missing: no dip */
       assert(sum <= incremented); /* nothing counts twice */
       assert(last <= sum);
       last = sum;
       sum = 0;
       low = 0;
       skip_these = 0;
       known_generation = 0;
       if
       :: locked -> locked = false; set_lock = NOBODY
       :: else -> skip
       fi
     }
  :: else -> break
  od
}

init {
  byte i;
  atomic {
    for (i : 0 .. PROCESSES - 1) { run Process(i) }
    for (i : 0 .. FOLDERS - 1) { run Folder(i) }
    run Reader()
  }
}
