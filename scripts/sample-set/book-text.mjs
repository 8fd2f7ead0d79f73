// The text of the sample book, written for this project.

export const TITLE = ['The House of', 'Open Shelves'];
export const SUBTITLE = 'a short account of a library';
export const IMPRINT = 'Printed for its readers';

/** Chapters: a heading, then paragraphs. */
export const CHAPTERS = [
  {
    heading: 'I. Of the Door',
    paragraphs: [
      'The library stood where the road bends toward the harbour, and it had no lock. The founder, a maker of nets, had asked for one thing only: that whoever came in from the rain should find a chair, a lamp and a book, in that order.',
      'Nobody knew how many books there were. The first keeper counted them every winter and every winter she had a different number, for in the long evenings people carried them home, and in the spring they carried them back, and not always the same ones.',
      '“A library that can be counted,” she used to say, “is a library that nobody reads.” All the same she kept a ledger, and in it she wrote down everything that happened, and never crossed out a line.',
    ],
  },
  {
    heading: 'II. Of the Ledger',
    paragraphs: [
      'The ledger was a plain thing, ruled in red. When a book arrived she wrote that it had arrived; when it was lent she wrote to whom; when it came home with jam on page ninety she wrote that too. If she had made a mistake she did not scrape it away. She wrote a new line beneath: I was wrong on Tuesday, and this is how it was.',
      'So it came about that anyone could open the ledger at the first page, read it to the last, and know exactly what stood on the shelves, and why. One could even stop halfway and see the house as it had been on a given evening, with the blue atlas still upon the window sill.',
      'When the great storm took the roof of the east room, and the cards with it, she was not troubled. She sat down with the ledger and fresh cards, and began again from the first line. By Sunday every card was back, and two were better than before.',
    ],
  },
  {
    heading: 'III. Of the Window',
    paragraphs: [
      'In the reading room there was a window of forty panes. Visitors who could not come near to the large map of the coast were shown it through the window, one pane at a time, and it was remarked that nobody ever needed to see all forty at once. Those who asked for the whole were given it small; those who asked for a corner were given it large; and the map itself never left the wall.',
      'Children loved the corner with the whale. Pilots loved the soundings. A painter came every day of one summer to look at the blue between two islands, and when he had understood it he went away, and sent the library a pear.',
    ],
  },
  {
    heading: 'IV. Of the Road',
    paragraphs: [
      'Not everyone could come. There were lighthouse keepers, and people with small children, and a scholar on the far side of the mountains who wrote every month to ask for one page, always the next one.',
      'For these the library kept a donkey. It carried boxes with addresses painted on their lids, and each address said only where a thing could be asked for, never where it stood; so that when the shelves were moved, as happened after every flood, not one letter went astray.',
      'Other houses along the coast heard of this and painted their boxes in the same manner. From that year on a reader could sit in any of them and turn the pages of all, and the donkeys nodded to each other on the road.',
    ],
  },
  {
    heading: 'V. Of the Lamp',
    paragraphs: [
      'The second keeper was a careful man who disliked secrets. He put the rules upon the door, and there were four: wash your hands; ask when you do not know; leave a slip where you found something; and tell the truth about the jam.',
      'The slips became the best part of the library. They stood up out of the books like reeds. Some corrected a date, some continued a quarrel, and some said only: I was here, and it was raining. He would not have them taken out. A book, he held, is what was written, and also what was noticed.',
      'If you go there now you will find the lamp lit and the chair drawn up. The ledger lies open at today. There is room beneath the last line, and the pen is where it has always been.',
    ],
  },
];

export const LAST_WORDS = 'Here ends the account.';
