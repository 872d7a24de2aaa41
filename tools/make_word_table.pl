#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Writes matcher/sigma/word_table.inc: the letters and numbers beyond ASCII (general categories L and
# N) as ranges, from the Unicode data that comes with perl. Usage: make_word_table.pl > word_table.inc
use strict;
use warnings;
use Unicode::UCD qw();

my $wanted = '14.0.0';
my $have = Unicode::UCD::UnicodeVersion();
die "perl carries Unicode $have, wanted $wanted\n" if $have ne $wanted;

my @ranges;    # [first, last]
for my $code (0x80 .. 0x10ffff) {
  next if $code >= 0xd800 && $code <= 0xdfff;
  next if chr($code) !~ /[\p{L}\p{N}]/;
  if (@ranges && $ranges[-1][1] == $code - 1) {
    $ranges[-1][1] = $code;
  } else {
    push @ranges, [$code, $code];
  }
}

print "// SPDX-License-Identifier: Apache-2.0\n";
print "// Written by tools/make_word_table.pl from Unicode $have; do not edit.\n";
while (my @line = splice @ranges, 0, 4) {
  print join(' ', map { sprintf '{0x%04x, 0x%04x},', @$_ } @line), "\n";
}
