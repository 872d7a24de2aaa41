#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Writes matcher/event/fold_table.inc: simple case folding (status C and S of CaseFolding.txt) as
# ranges, from the Unicode data that comes with perl. Usage: make_fold_table.pl > fold_table.inc
use strict;
use warnings;
use Unicode::UCD qw(casefold);

my $wanted = '14.0.0';
my $have = Unicode::UCD::UnicodeVersion();
die "perl carries Unicode $have, wanted $wanted\n" if $have ne $wanted;

my @ranges;    # [first, last, stride, delta]
for my $code (0 .. 0x10ffff) {
  next if $code >= 0xd800 && $code <= 0xdfff;
  my $fold = casefold($code) or next;
  next if $fold->{simple} eq '';
  my $delta = hex($fold->{simple}) - $code;
  next if $delta == 0;
  my $last = $ranges[-1];
  if ($last && $last->[3] == $delta) {
    my $step = $code - $last->[1];
    my $fresh = $last->[0] == $last->[1];
    if (($fresh && $step <= 2) || $step == $last->[2]) {
      $last->[1] = $code;
      $last->[2] = $step;
      next;
    }
  }
  push @ranges, [$code, $code, 1, $delta];
}

print "// SPDX-License-Identifier: Apache-2.0\n";
print "// Written by tools/make_fold_table.pl from Unicode $have; do not edit.\n";
printf "{0x%04x, 0x%04x, %d, %d},\n", @$_ for @ranges;
