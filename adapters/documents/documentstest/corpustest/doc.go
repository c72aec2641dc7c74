// Package corpustest makes the sets of documents that the engine is measured on, and compares before with after.
//
//   - The ordinary set: untagged PDFs by many producers, fetched from the packages that ship them ([Collect]).
//   - The known set: HTML documents, written by hand or by chance, printed by Chromium with tags; the same without the
//     tags; and the structure that the tags told ([MakeKnown]).
//   - The everyday set: the same with letters, payslips, forms, papers in two columns, manuals of programs with their
//     options, and text from right to left ([MakeEveryday]).
//
// All lie in the user's cache folder and are split into halves ([Half]): what is tuned on, and what is held back.
// Programs are used where they are independent of what is measured: poppler and PDFium render, poppler reads text
// and structure.
package corpustest
